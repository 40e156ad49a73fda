/**
 * @module Phones that roam among real backends: `npm run federation -- serve-local`, and the phone's own commands, whose every request is written down (docs/roaming.md walks the same way).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it, vi } from 'vitest';
import { type Running, start } from '../../test/support/processes.ts';
import { main } from '../../phone/cli/cli.ts';
import { advanceUntilIdle, callHotline, moveClock, readClock } from '../support/operator.ts';

const dir = mkdtempSync(join(tmpdir(), 'roaming-'));
const HOUR = 3600;
const DAY = 86_400;
interface Seen {
  readonly phone: string;
  readonly origin: string;
  readonly text: string;
}
const seen: Seen[] = [];
const urls = new Map<string, string>();
let command: Running;
let asking = '';

beforeAll(async () => {
  command = start(['scripts/federation.ts', 'serve-local', '--regions', 'DE:north,IT:south', '--dir', dir, '--json']);
  const [text] = await command.output(/^\{[^]*^\}$/m);
  const { backends } = JSON.parse(text) as { backends: readonly { region: string; url: string }[] };
  for (const { region, url } of backends) urls.set(region, url);
  const real = globalThis.fetch;
  vi.stubGlobal('fetch', (url: string | URL | Request, init?: RequestInit) => {
    const target = new URL(url instanceof Request ? url.url : url);
    const headers = [...new Headers(init?.headers)].map(([name, value]) => `${name}: ${value}`);
    const request = `${init?.method ?? 'GET'} ${target.pathname}${target.search}`;
    if (asking !== '') seen.push({ phone: asking, origin: target.origin, text: [request, ...headers].join('\n') });
    return real(url, init);
  });
});
afterAll(async () => {
  vi.unstubAllGlobals();
  command.kill('SIGTERM', 'process');
  await command.ended;
  rmSync(dir, { recursive: true });
});

const at = (region: string): string => urls.get(region)!;

async function phone(name: string, action: string, ...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  asking = name;
  const words = action.split(' ');
  const code = await main([...words, join(dir, name), ...args], {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
  });
  asking = '';
  return { code, out: out.join(''), err: err.join('') };
}

async function newPhone(name: string, region: string): Promise<void> {
  const id = `gaen.${region.toLowerCase()}`;
  const pins = join(dir, region, 'state');
  const policy = ['--policy', join(dir, 'policy.json')];
  await phone(
    name,
    'init',
    '--url',
    at(region),
    '--region',
    region,
    '--key-id',
    id,
    '--pins',
    pins,
    '--local-clock',
    ...policy,
  );
}

/** @returns Unix seconds, five past the beginning of the next UTC day */
const tomorrow = async (url: string): Promise<number> => Math.floor((await readClock(url)) / DAY + 1) * DAY + 5;

async function goTo(url: string, now: number): Promise<void> {
  await moveClock(url, now);
  await advanceUntilIdle(url);
}

describe('a phone of Germany that was in Italy', () => {
  it('hears of a local by Italy’s own objects; no host learns where else it reads', async ({ expect }) => {
    await newPhone('alice', 'IT');
    await newPhone('dora', 'IT');
    await newPhone('bob', 'DE');
    expect(await phone('bob', 'region add', 'IT')).toMatchObject({ code: 0 });
    await phone('bob', 'meet', join(dir, 'alice'));
    const midnight = await tomorrow(at('IT'));
    // What a backend seals begins with the hour in which it is looked at first.
    for (const url of urls.values()) await goTo(url, midnight);
    const teleTan = await callHotline(at('IT'));
    expect(await phone('alice', 'type', teleTan)).toMatchObject({ code: 0 });
    expect(await phone('alice', 'share')).toMatchObject({ code: 0 });
    for (const url of urls.values()) await goTo(url, midnight + 8 * HOUR);
    seen.length = 0;
    const synced = await phone('bob', 'sync');
    expect(synced.err).toBe('');
    expect(synced.code).toBe(0);
    expect(synced.out).toContain('WARNING: met one key');
    expect((await phone('dora', 'sync')).code).toBe(0);

    const asked = (name: string, region: string): string[] =>
      seen.filter((one) => one.phone === name && one.origin === at(region)).map(({ text }) => text);
    const inItaly = asked('bob', 'IT');
    expect(inItaly.length).toBeGreaterThan(1);
    // What a phone of Italy asks too, and nothing else; and at home nothing of Italy.
    expect(asked('dora', 'IT')).toEqual(expect.arrayContaining(inItaly));
    expect(inItaly.filter((text) => /\bDE\b/.test(text))).toEqual([]);
    expect(asked('bob', 'DE').filter((text) => /\bIT\b/.test(text))).toEqual([]);
    expect(new Set(seen.map(({ origin }) => origin))).toEqual(new Set(urls.values()));
  });
});
