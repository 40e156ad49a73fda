/**
 * @module Secrets are changed while people share (docs/rotation.md): TAN_MAC_KEY, TAN_HASH_KEY, DERIVATION_KEY, UPLOAD_ID_KEY, DIGEST_KEY and PERMIT_KEY at once, phase by phase, the Workers killed and started again with the
 * next phase's secrets in the middle of uploads. Neighbours are a phase apart, once in each order, as while a deployment is under way. In the end every key is counted from what was published.
 */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, it } from 'vitest';
import { removeFolder } from '../../local-edge/remove-folder.ts';
import { startLocalEdge, type LocalEdge } from '../../local-edge/local-edge.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { encodeSubmissionPayload, type SubmittedKey } from '../../protocol/submission-payload.ts';
import { callHotline, issueTans, moveClock, setClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, UPLOAD_PATH } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';

const ROTATED = ['TAN_MAC_KEY', 'TAN_HASH_KEY', 'DERIVATION_KEY', 'UPLOAD_ID_KEY', 'DIGEST_KEY', 'PERMIT_KEY'];
type Phase = 'before' | 'accepted' | 'makes' | 'over';
/** Which phase each Worker is in, deployment after deployment. */
const DEPLOYMENTS: readonly Readonly<Record<'upload' | 'verification' | 'origin', Phase>>[] = [
  { upload: 'before', verification: 'before', origin: 'before' },
  { upload: 'accepted', verification: 'before', origin: 'accepted' },
  { upload: 'makes', verification: 'accepted', origin: 'makes' },
  { upload: 'accepted', verification: 'makes', origin: 'accepted' },
];
/** So many begin in each deployment, and go one step a deployment. */
const PEOPLE = 5;

const state = mkdtempSync(join(tmpdir(), 'rotation-'));
afterAll(() => removeFolder(state));

const drawn = Object.fromEntries(ROTATED.map((name) => [name, randomBytes(32).toString('base64')]));
const phased = (old: string, fresh: string, phase: Phase): string =>
  ({ before: old, accepted: `${old},${fresh}`, makes: `${fresh},${old}`, over: fresh })[phase];

let former: Record<string, string> = {};
const start = (deployment: (typeof DEPLOYMENTS)[number]): Promise<LocalEdge> =>
  startLocalEdge({
    state,
    vars: {
      upload: { ANSWER_DEADLINE_MS: '0' },
      verification: { ANSWER_DEADLINE_MS: '0' },
      origin: { MIN_KEYS: '1', MIN_UPLOADS: '1', RESERVE_UPLOADS: '0' },
    },
    onLog: () => undefined,
    adapt: (workers) =>
      workers.map((worker) => {
        const short = String(worker.name).replace('exposure-edge-', '') as keyof typeof deployment;
        const phase = deployment[short];
        const held = (worker.bindings ?? {}) as Record<string, string>;
        if (phase === undefined) return worker;
        const changed = ROTATED.filter((name) => name in held && former[name] !== undefined).map(
          (name) => [name, phased(former[name] ?? '', drawn[name] ?? '', phase)] as const,
        );
        return { ...worker, bindings: { ...held, ...Object.fromEntries(changed) } };
      }),
  });

let edge: LocalEdge;
/** @returns a member of the answer, or nothing */
async function ask(path: string, body: object, member: string): Promise<unknown> {
  const answer = await fetch(`${edge.url}/version/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
    body: JSON.stringify(body),
  });
  return ((await answer.json()) as Record<string, unknown>)[member];
}

const textOf = (member: unknown): string => (typeof member === 'string' ? member : '');

/** @returns the status, or null: the Workers died meanwhile */
async function upload(tan: string | null, keys: readonly SubmittedKey[]): Promise<number | null> {
  const headers = {
    'content-type': 'application/x-protobuf',
    'cwa-fake': tan === null ? '1' : '0',
    'cwa-authorization': tan ?? '',
    'cwa-header-padding': tan === null ? 'x'.repeat(36) : '',
  };
  const body = new Uint8Array(encodeSubmissionPayload(payloadOf(keys)));
  try {
    return (await fetch(`${edge.url}${UPLOAD_PATH}`, { method: 'POST', headers, body })).status;
  } catch {
    return null;
  }
}

/** Somebody with a teleTAN, who takes one step in each deployment. */
class Person {
  readonly keys: SubmittedKey[];
  teleTan = '';
  token = '';
  tan = '';
  steps = 0;

  constructor(label: string) {
    this.keys = patientKeys(label, START, 3);
  }

  /** @returns what went wrong, or null */
  async step(): Promise<string | null> {
    const at = this.steps++;
    if (at === 0) {
      this.teleTan = await callHotline(edge.url);
      this.token = await this.#register();
      return this.token === '' ? 'no token' : null;
    }
    if (at === 1) {
      // The answer of then was lost: the same again.
      if ((await this.#register()) !== this.token) return 'another token';
      const [result, one, two] = [await this.#poll(), await this.#askTan(), await this.#askTan()];
      this.tan = one;
      return result === 2 && one !== '' && one === two ? null : `no result, or TANs ${one} and ${two}`;
    }
    if (at === 2) {
      if ((await this.#askTan()) !== this.tan) return 'another TAN';
      return null;
    }
    const [again, other] = [await upload(this.tan, this.keys), await upload(this.tan, patientKeys(this.tan, START, 2))];
    return again === 200 && other === 403 ? null : `answered ${again}, and for other keys ${other}`;
  }

  #register = async (): Promise<string> =>
    textOf(await ask('registrationToken', { key: this.teleTan, keyType: 'TELETAN' }, 'registrationToken'));
  #poll = () => ask('testresult', { registrationToken: this.token }, 'testResult');
  #askTan = async (): Promise<string> => textOf(await ask('tan', { registrationToken: this.token }, 'tan'));
}

it(
  'nothing that a former key made is lost, and nothing is accepted twice',
  { timeout: 300_000 },
  async ({ expect }) => {
    const people: Person[] = [];
    const loose: { tan: string; keys: SubmittedKey[] }[] = [];
    const wrong: string[] = [];
    for (const [n, deployment] of DEPLOYMENTS.entries()) {
      edge = await start(deployment);
      if (n === 0) {
        former = JSON.parse(readFileSync(join(state, 'secrets.json'), 'utf8')) as Record<string, string>;
        await setClock(edge.url, START);
      }
      const begin = Array.from({ length: PEOPLE }, (_, i) => new Person(`person ${n}/${i}`));
      people.push(...begin);
      const due = people.filter(({ steps }) => steps < 4);
      wrong.push(...(await Promise.all(due.map((person) => person.step()))).flatMap((fault) => fault ?? []));
      // TANs of a laboratory's system: those of before are used now, some answers and some Workers lost.
      const before = loose.filter((_, i) => i % 2 === 0).map(({ tan, keys }) => upload(tan, keys));
      const tans = await issueTans(edge.url, PEOPLE);
      loose.push(...tans.map((tan, i) => ({ tan, keys: patientKeys(`loose ${n}/${i}`, START, 2) })));
      const statuses = await Promise.all([...before, upload(null, patientKeys('dummy', START, 2))]);
      if (statuses.some((status) => status !== 200)) wrong.push(`uploads in deployment ${n}: ${statuses.join()}`);
      const sharing = people.filter(({ steps }) => steps === 3).map(({ tan, keys }) => upload(tan, keys));
      const inFlight = [...sharing, ...loose.slice(-PEOPLE).map(({ tan, keys }) => upload(tan, keys))];
      // Some have been taken, some are under way, some never arrive.
      await inFlight[0];
      await edge.dispose();
      await Promise.all(inFlight);
    }
    expect(wrong).toEqual([]);

    // The last deployment, from secrets.json: rings are kept there, too. Whoever heard nothing comes again.
    const kept = Object.fromEntries(
      ROTATED.map((name) => [name, phased(former[name] ?? '', drawn[name] ?? '', 'makes')]),
    );
    writeFileSync(join(state, 'secrets.json'), JSON.stringify({ ...former, ...kept }));
    former = {};
    edge = await start({ upload: 'makes', verification: 'makes', origin: 'makes' });
    for (let round = 0; round < 4; round++) {
      const due = people.filter(({ steps }) => steps < 4);
      wrong.push(...(await Promise.all(due.map((person) => person.step()))).flatMap((fault) => fault ?? []));
    }
    const again = await Promise.all(loose.map(({ tan, keys }) => upload(tan, keys)));
    const taken = await Promise.all(loose.map(({ tan }) => upload(tan, patientKeys(tan, START, 2))));
    expect([wrong, new Set(again), new Set(taken)]).toEqual([[], new Set([200]), new Set([403])]);

    await moveClock(edge.url, START + 9 * SECONDS_PER_HOUR);
    const everybody = [...people, ...loose].flatMap(({ keys }) => names(keys)).toSorted();
    expect(everybody).toHaveLength(DEPLOYMENTS.length * PEOPLE * 5);
    expect(names(await publishedKeys(edge, 'DE')).filter((name) => everybody.includes(name))).toEqual(everybody);
    await edge.dispose();
  },
);
