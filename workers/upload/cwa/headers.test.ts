import { describe, it } from 'vitest';
import { readHeaders } from './headers.ts';
import { statusOf } from './outcome.ts';

const TAN = '3a05a0b3-28ec-41f3-93a5-13cfacb56900';
const PROTOBUF = { 'content-type': 'application/x-protobuf' };

/** What the headers alone decide: the intent, or the status of the answer. */
function verdict(headers: Record<string, string>): string | number {
  const intent = readHeaders(new Headers(headers));
  return intent.kind === 'answer' ? statusOf(intent.outcome) : intent.kind;
}

describe('headers of the dialect (docs/spec/cwa.md §1.1)', () => {
  it.for<[name: string, headers: Record<string, string>, verdict: string | number]>([
    ['an upload', { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': TAN }, 'upload'],
    ['media type with a parameter', { 'content-type': 'Application/X-Protobuf; v=1', 'cwa-fake': '1' }, 'dummy'],
    ['a dummy without authorisation', { ...PROTOBUF, 'cwa-fake': '1' }, 'dummy'],
    ['a dummy with an empty one', { ...PROTOBUF, 'cwa-fake': '1', 'cwa-authorization': '' }, 'dummy'],
    ['a dummy with both', { ...PROTOBUF, 'cwa-fake': '-7', 'cwa-authorization': TAN, 'cwa-otp': TAN }, 'dummy'],
    ['no content type', { 'cwa-fake': '0', 'cwa-authorization': TAN }, 500],
    ['another content type', { 'content-type': 'application/json', 'cwa-fake': '0', 'cwa-authorization': TAN }, 500],
    ['cwa-fake missing: the body says it', { ...PROTOBUF, 'cwa-authorization': TAN }, 'in-body'],
    ['cwa-fake empty', { ...PROTOBUF, 'cwa-fake': '', 'cwa-authorization': TAN }, 400],
    ['cwa-fake no integer', { ...PROTOBUF, 'cwa-fake': 'true', 'cwa-authorization': TAN }, 500],
    ['cwa-fake a fraction', { ...PROTOBUF, 'cwa-fake': '0.0', 'cwa-authorization': TAN }, 500],
    ['cwa-fake twice', { ...PROTOBUF, 'cwa-fake': '0, 1', 'cwa-authorization': TAN }, 500],
    ['no authorisation', { ...PROTOBUF, 'cwa-fake': '0' }, 400],
    ['an empty one', { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': ' ' }, 400],
    ['two', { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': TAN, 'cwa-otp': TAN }, 400],
    ['a one-time password', { ...PROTOBUF, 'cwa-fake': '0', 'cwa-otp': TAN }, 403],
    ['a one-time password that is no UUID', { ...PROTOBUF, 'cwa-fake': '0', 'cwa-otp': 'x' }, 400],
  ])('%s', ([, headers, expected], { expect }) => {
    expect(verdict(headers)).toBe(expected);
  });

  it('the authorisation is handed on without the blanks around it', ({ expect }) => {
    const intent = readHeaders(new Headers({ ...PROTOBUF, 'cwa-fake': '00', 'cwa-authorization': ` ${TAN} ` }));
    expect(intent).toEqual({ kind: 'upload', authorisation: TAN });
  });
});
