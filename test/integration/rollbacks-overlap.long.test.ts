/**
 * @module Rollbacks that overlap, through the portal of a whole deployment: a batch of cards that two people ask for, and its provider. Each key ends once, is counted once, and who was honest is untouched.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import type { CardSheet, VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { Rollback, RollbackPlan, RollbackTarget } from '../../domain/rollback.ts';
import { typeCode } from '../../phone/verification/codes.ts';
import { register, tan as requestTan, testResult } from '../../phone/verification/verification.ts';
import { command, moveClock } from '../../scripts/support/operator.ts';
import { byteSource } from '../../scripts/support/patients.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';

const HOUR = 3600;
const TODAY = Math.floor(START / 86_400);
const DAYS = { fromDay: TODAY, toDay: TODAY };
let system: System;
let undoKey = '';

beforeAll(async () => {
  const vars = {
    upload: { ANSWER_DEADLINE_MS: '0' },
    verification: { ANSWER_DEADLINE_MS: '0' },
    origin: { MIN_KEYS: '28', MIN_UPLOADS: '2' },
  };
  system = await startSystem({ vars });
  undoKey = readFileSync(join(system.edge.state, 'undo-private.pem'), 'utf8');
});
afterAll(() => system.edge.dispose());

/** A batch of code cards, used one after the other. */
class Batch {
  readonly id: string;
  readonly #cards: CardSheet['cards'];
  #used = 0;

  private constructor({ batch, cards }: CardSheet) {
    this.id = batch.batchId;
    this.#cards = cards;
  }

  static async of(provider: string): Promise<Batch> {
    const { VERIFICATION } = await system.edge.miniflare.getBindings<{ VERIFICATION: VerificationBackOfficeRpc }>(
      'exposure-edge-portal',
    );
    const sheet = await VERIFICATION.makeCards(provider, 'a batch', 20);
    if (sheet === null) throw new Error(`${provider}: no cards`);
    return new Batch(sheet);
  }

  /** People with cards of it share fourteen keys each. */
  async share(uploads: number): Promise<void> {
    for (let n = 0; n < uploads; n++) {
      const code = typeCode(this.#cards[this.#used++]?.code ?? '');
      if (!code.ok) throw new Error('the card is no card');
      const ports = { fetch, verificationUrl: system.edge.url, random: byteSource(`${this.id} ${this.#used}`) };
      const token = await register(code.value, ports);
      if (!token.ok) throw new Error(token.error.kind);
      await testResult(token.value, ports);
      const got = await requestTan(token.value, ports);
      if (!got.ok) throw new Error(got.error.kind);
      const { status } = await system.upload(got.value, payloadOf(patientKeys(`${this.id} ${this.#used}`, START)));
      if (status !== 200) throw new Error(`upload: ${status}`);
    }
  }
}

/** Somebody of a health authority, at the portal. */
const identityOf = (name: string): string =>
  `local-identity=${encodeURIComponent(JSON.stringify({ name, roles: ['health-authority'], provider: '', at: START }))}`;

const give = (name: string, path: string, body: object): Promise<unknown> =>
  command(system.edge.url, 'POST', `/operator/rollback/${path}`, { ...body, undoKey }, [], {
    cookie: identityOf(name),
  });

const asks = async (name: string, kind: RollbackTarget['kind'], of: string): Promise<RollbackPlan & { id: string }> =>
  (await give(name, 'ask', { target: { kind, name: of, ...DAYS } })) as RollbackPlan & { id: string };

/** Confirms on the page, without the key. */
async function confirmsInPortal(name: string, id: string): Promise<string> {
  const { url } = system.edge;
  const first = await fetch(`${url}/staff/rollbacks`, { headers: { cookie: identityOf(name) } });
  const session = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  const headers = { cookie: `${identityOf(name)}; ${session}`, 'sec-fetch-site': 'same-origin' };
  const text = await first.text();
  const section = text.split('<section').find((one) => one.includes(id)) ?? '';
  const field = (named: string): string => new RegExp(`name="${named}" value="([^"]+)"`).exec(section)?.[1] ?? '';
  const body = new URLSearchParams({ csrf: field('csrf'), once: field('once'), rollback: id });
  await fetch(`${url}/staff/rollbacks/confirm`, { method: 'POST', headers, body });
  return (await fetch(`${url}/staff/rollbacks`, { headers })).text();
}

async function outcomes(): Promise<Map<string, Rollback['outcome']>> {
  const { rollbacks } = (await command(system.edge.url, 'GET', '/operator/rollback')) as {
    readonly rollbacks: readonly Rollback[];
  };
  return new Map(rollbacks.map(({ id, outcome }) => [id, outcome]));
}

it('end each key once and count it once: the same batch twice, and the provider of it', async ({ expect }) => {
  const [forged, alsoForged, honest] = [
    await Batch.of('practice'),
    await Batch.of('practice'),
    await Batch.of('other'),
  ];
  for (const batch of [forged, alsoForged, honest]) await batch.share(3);
  await moveClock(system.edge.url, START + HOUR);
  for (const batch of [forged, alsoForged, honest]) await batch.share(1);

  const [one, two, all] = [
    await asks('anna@example.org', 'batch', forged.id),
    await asks('carla@example.org', 'batch', forged.id),
    await asks('dora@example.org', 'provider', 'practice'),
  ];
  // How many, no dry run says; what was taken is counted below.
  const [few, some] = [{ fewerThan: 60 }, { fewerThan: expect.any(Number) as number }];
  expect(one.days[0]).toMatchObject({ region: 'DE', unpublished: few, published: some, mixed: 0, gone: 0 });
  expect(two.days).toEqual(one.days);
  expect(all.days[0]).toMatchObject({ region: 'DE', unpublished: few, published: some, mixed: 0, gone: 0 });

  // The first on the page, which drops what waits; then each with the key, as whoever has the shares does.
  expect(await confirmsInPortal('berta@example.org', one.id)).toContain('14 keys that waited are deleted');
  const confirmed: Rollback['outcome'][] = [];
  for (const { id } of [one, two, all]) {
    confirmed.push(((await give('berta@example.org', 'confirm', { id })) as Rollback).outcome);
  }
  expect(confirmed).toMatchObject([
    { state: 'waiting', dropped: 14, taken: 42 },
    { state: 'waiting', dropped: 0, taken: 0 },
    { state: 'waiting', dropped: 14, taken: 42 },
  ]);

  await moveClock(system.edge.url, START + 3 * HOUR);
  const after = await outcomes();
  const done = { state: 'done', waits: null } as const;
  expect([one, two, all].map(({ id }) => after.get(id))).toEqual([
    { ...done, dropped: 14, taken: 42 },
    { ...done, dropped: 0, taken: 0 },
    { ...done, dropped: 14, taken: 42 },
  ]);
  const { counters } = (await command(system.edge.url, 'GET', '/operator/status')) as {
    readonly counters: Readonly<Record<string, number>>;
  };
  expect(counters['keys_taken_back']).toBe(84);
  // Given once more by whoever may, each says the same, and a dry run finds nothing but what is gone.
  for (const { id } of [one, two, all]) await give('emil@example.org', 'confirm', { id });
  expect(await outcomes()).toEqual(after);
  const left = async (kind: RollbackTarget['kind'], name: string): Promise<unknown> =>
    ((await give('anna@example.org', 'plan', { target: { kind, name, ...DAYS } })) as RollbackPlan).days[0];
  expect(await left('provider', 'practice')).toMatchObject({ unpublished: 0, published: 0, gone: some });
  expect(await left('provider', 'other')).toMatchObject({ unpublished: few, published: some, gone: 0 });
});
