/** @module Calls that share a commit (durable-objects/group-commit.ts), on the real storage of a real object. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { GroupCommit } from '../group-commit.ts';
import { testEnv } from '../publisher/test-rig.ts';

beforeEach(() => reset());

const add = (sql: SqlStorage, name: string) => sql.exec('INSERT INTO counter VALUES (?, 1)', name);
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
    const seen = await inObject((commits, sql) => {
      const count = () => sql.exec<{ n: number }>('SELECT count(*) AS n FROM counter').one().n;
      const call = (name: string) =>
        commits.run(() => {
          add(sql, name);
          return count();
        });
      return Promise.all(['a', 'b', 'c', 'd'].map(call));
    });
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(await names()).toEqual(['a', 'b', 'c', 'd']);
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
