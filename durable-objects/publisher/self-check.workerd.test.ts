import { beforeEach, describe, it } from 'vitest';
import { Rig, keysOf, objects, testEnv } from './test-rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  await rig.accept('u1', keysOf(1, 14));
  await rig.untilIdle();
  rig.now += 3600;
  await rig.untilIdle();
});

const alerts = async (): Promise<Record<string, number>> => {
  const { counters } = await rig.inPublisher((publisher) => publisher.status());
  return Object.fromEntries(Object.entries(counters).filter(([name]) => name.startsWith('alert_self_check')));
};

/** As if a day had passed in which nothing was sealed. */
const checkAgain = async (): Promise<void> => {
  await rig.inPublisherStorage((sql) => void sql.exec(`DELETE FROM meta WHERE name LIKE 'checked_day%'`));
  await rig.untilIdle();
};

describe('the daily self-check', () => {
  it('finds what was published in the records, once a day, and reads no more than that', async ({ expect }) => {
    expect(await alerts()).toEqual({});
    const days = () =>
      rig.inPublisherStorage((sql) => sql.exec(`SELECT * FROM meta WHERE name LIKE 'checked%'`).toArray());
    const first = await days();
    expect(first.map(({ name }) => name)).toEqual(['checked_day_DE', 'checked_day_EUR']);
    rig.now += 3600;
    await rig.untilIdle();
    expect(await days()).toEqual(first);
    rig.now += 86_400;
    await rig.untilIdle();
    expect((await days()).map(({ value }) => value)).toEqual(first.map(({ value }) => Number(value) + 1));
    expect(await alerts()).toEqual({});
  });

  it.for(['altered', 'gone'] as const)(
    'a record that is %s is an alert in each region that has its keys',
    async (what, { expect }) => {
      const [[name, bytes] = ['', new Uint8Array()]] = [...(await objects(testEnv.PRIVATE))].filter(([key]) =>
        /^sets\/.*\.bin$/.test(key),
      );
      if (what === 'gone') await testEnv.PRIVATE.delete(name);
      else await testEnv.PRIVATE.put(name, bytes.with(10, bytes[10]! ^ 1));
      await checkAgain();
      expect(await alerts()).toEqual({ alert_self_check_failed_DE: 1, alert_self_check_failed_EUR: 1 });
    },
  );
});
