/** @module Calls that share a commit (durable-objects/group-commit.ts), on the real storage of a real object. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { GroupCommit } from '../group-commit.ts';
import { testEnv } from '../publisher/test-rig.ts';

beforeEach(() => reset());

const add = (sql: SqlStorage, name: string) => sql.exec('INSERT INTO counter (name, value) VALUES (?, 1)', name);
const inObject = <T>(body: (commits: GroupCommit, sql: SqlStorage, state: DurableObjectState) => Promise<T>) =>
  runInDurableObject(testEnv.SUBMISSION_BUFFER.getByName('buffer'), (_object, state) =>
    body(new GroupCommit(state.storage), state.storage.sql, state),
  );

const names = () =>
  inObject(async (_commits, sql) =>
    sql
      .exec<{ name: string }>('SELECT name FROM counter ORDER BY name')
      .toArray()
      .map(({ name }) => name),
  );

describe('a group of calls', () => {
  it('shares a transaction with all that came while the last one was on its way', async ({ expect }) => {
    const transactions = await inObject(async (_commits, sql, { storage }) => {
      let count = 0;
      const counting = {
        transaction: (body: () => Promise<unknown>) => {
          count += 1;
          return storage.transaction(body);
        },
        sync: () => storage.sync(),
      };
      const commits = new GroupCommit(counting as unknown as DurableObjectStorage);
      await Promise.all(['a', 'b', 'c', 'd'].map((name) => commits.run(() => void add(sql, name))));
      return count;
    });
    // The first goes at once; the other three come while it is being written.
    expect(transactions).toBe(2);
    expect(await names()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('fails when the storage does, and nobody waits for ever', async ({ expect }) => {
    const settled = await inObject(async (_commits, _sql, { storage }) => {
      const broken = {
        transaction: (body: () => Promise<unknown>) => storage.transaction(body),
        sync: () => Promise.reject(new Error('disk full')),
      };
      const commits = new GroupCommit(broken as unknown as DurableObjectStorage);
      return Promise.allSettled([1, 2, 3].map((n) => commits.run(() => n)));
    });
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  });

  it('loses nothing to the one that throws, whose own writes are undone', async ({ expect }) => {
    let runs = 0;
    const settled = await inObject((commits, sql) =>
      Promise.allSettled([
        commits.run(() => 'first, alone'),
        commits.run(() => {
          add(sql, 'good');
          return (runs += 1);
        }),
        commits.run(() => {
          add(sql, 'bad');
          throw new Error('poison');
        }),
        commits.run(() => void add(sql, 'late')),
      ]),
    );
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    // It ran twice, since the group was rolled back; the caller hears of the run that stayed.
    expect(settled[1]).toMatchObject({ value: 2 });
    expect(await names()).toEqual(['good', 'late']);
  });

  it('that a crash interrupts leaves nothing, and the next one works', async ({ expect }) => {
    await inObject((commits, sql, state) =>
      Promise.all([
        commits.run(() => void add(sql, 'before')).then(() => state.storage.sync()),
        commits.run(() => void add(sql, 'half')),
        commits.run(() => state.abort('crash')),
      ]),
    ).catch(() => undefined);
    expect(await names()).toEqual(['before']);
    await inObject((commits, sql) => commits.run(() => void add(sql, 'after')));
    expect(await names()).toEqual(['after', 'before']);
  });
});
