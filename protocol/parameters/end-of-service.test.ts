import { it } from 'vitest';
import { END_OF_SERVICE_LABEL, endOfService, withEndOfService } from './end-of-service.ts';

it('a day is said once, and read again; other features stay', ({ expect }) => {
  const other = { label: 'other', value: 1 };
  const once = withEndOfService([other], '2027-01-31');
  expect(once).toEqual([other, { label: END_OF_SERVICE_LABEL, value: 20_270_131 }]);
  expect(endOfService(once)).toBe('2027-01-31');
  const moved = withEndOfService(once, '2027-02-28');
  expect([moved.length, endOfService(moved)]).toEqual([2, '2027-02-28']);
});

it.for([[], [{ label: END_OF_SERVICE_LABEL, value: 20_270_231 }], [{ label: END_OF_SERVICE_LABEL, value: -5 }]])(
  'nothing is announced by %j',
  (features, { expect }) => {
    expect(endOfService(features)).toBeNull();
  },
);
