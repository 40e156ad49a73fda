/**
 * @module A release older than the state: every object of every Worker refuses tables that are newer than it knows, whoever asks, and changes nothing in them; on the newer release all goes on (docs/releasing.md).
 */
import { createHash } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, it } from 'vitest';
import { SCHEMA_VERSIONS } from '../../domain/schema-versions.ts';
import { runCrons } from '../../local-edge/crons.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { advanceUntilIdle, moveClock, status } from '../../scripts/support/operator.ts';
import { keptReleases, unpackState } from '../support/releases/archive.ts';
import { BREAK, newPeer, sceneVars, withPeer } from '../support/releases/scene.ts';

const HOUR = 3600;
/** Versions that no release has. */
const NEWER = 1_000;

let state: string;
let edge: LocalEdge | undefined;
beforeAll(() => void (state = unpackState(keptReleases().at(-1) ?? '')));
afterAll(async () => {
  await edge?.dispose();
  rmSync(state, { recursive: true, force: true });
});

async function start(): Promise<LocalEdge> {
  const peer = newPeer();
  edge = await startLocalEdge({ state, vars: sceneVars(peer), adapt: withPeer(peer), onLog: () => undefined });
  return edge;
}

/** Stores of objects, but for the clock's, which belongs to no release: Worker, class, id and file of each. */
function stores() {
  const folder = join(state, 'resources/do');
  return readdirSync(folder).flatMap((name) => {
    const [, worker = '', className = ''] = /^(exposure-edge-.+)-(\w+)$/.exec(name) ?? [];
    if (worker === '') return [];
    const files = readdirSync(join(folder, name)).filter((file) => /^[0-9a-f]{64}\.sqlite$/.test(file));
    return files.map((file) => ({ worker, className, id: file.slice(0, 64), file: join(folder, name, file) }));
  });
}

/** Asks an object. @returns what it says instead of an answer */
async function refusal(object: { remains(name: string): Promise<unknown> }): Promise<string> {
  try {
    return `answers ${JSON.stringify(await object.remains('x'))}`;
  } catch (error) {
    return String(error);
  }
}

/** Adds to the version of all tables, or takes it from those that it was added to: the crons wake objects that had nothing. */
function moveVersions(by: number): void {
  for (const { file } of stores()) {
    const store = new DatabaseSync(file);
    store.exec(`UPDATE schema_version SET version = version + ${by} WHERE version > ${-by}`);
    store.close();
  }
}

/** Everything in the objects' tables but what the platform keeps of alarms. @returns a hash a store */
function contents(): Record<string, string> {
  const all = stores().map(({ className, id, file }) => {
    const store = new DatabaseSync(file, { readOnly: true });
    const tables = store.prepare(`SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'`).all();
    const hash = createHash('sha256').update(JSON.stringify(tables));
    for (const { name } of tables.filter(({ sql }) => String(sql).startsWith('CREATE TABLE'))) {
      const rows = store.prepare(`SELECT * FROM "${String(name)}"`).all();
      hash.update(JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
    }
    store.close();
    return [`${className} ${id.slice(0, 8)}`, hash.digest('hex')] as const;
  });
  return Object.fromEntries(all);
}

it('no object does anything with tables that are too new, by call, cron or command', async ({ expect }) => {
  moveVersions(NEWER);
  const before = contents();
  const classes = new Set(Object.keys(before).map((name) => name.replace(/ .*/, '')));
  expect([...classes].toSorted()).toEqual(Object.keys(SCHEMA_VERSIONS));
  const running = await start();
  const { miniflare, url } = running;
  for (const { worker, className, id } of stores()) {
    const binding = className.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
    const namespace = await miniflare.getDurableObjectNamespace(binding, worker);
    const object = namespace.get(namespace.idFromString(id)) as unknown as Parameters<typeof refusal>[0];
    expect(await refusal(object), className).toMatch(/left by a newer release.*docs\/releasing\.md/);
  }
  await expect(status(url)).rejects.toThrow('500');
  await expect(moveClock(url, BREAK + HOUR)).rejects.toThrow('500');
  // Whether a cron says that it failed is its Worker's matter; it changes nothing.
  for (const worker of readEnvironments()) await runCrons(miniflare, [worker]).catch(() => undefined);
  await running.dispose();
  expect(contents()).toMatchObject(before);
});

it('on the release that knows them they go on', async ({ expect }) => {
  moveVersions(-NEWER);
  const running = await start();
  await advanceUntilIdle(running.url);
  const { regions } = await status(running.url);
  // The clock was moved before.
  expect(regions.map(({ lastIndexedHour }) => lastIndexedHour)).toEqual(Array(2).fill(Math.floor(BREAK / HOUR)));
  await running.dispose();
});
