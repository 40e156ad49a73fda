import { describe, it } from 'vitest';
import { makeAnchor } from '../../../local-edge/efgs-gateway/pki.ts';
import { CALLBACK_START, callbackStep, isCallbackUrl, isNews, readHint } from './callback.ts';
import { readSettings, type EfgsPorts, type EfgsSettingsText } from './ports.ts';

/** 2020-11-26T12:00:00Z */
const NOON = 1_606_392_000;
const OWN = { callbackId: 'DE', url: 'https://federation.example/efgs/callback' };
const anchor = makeAnchor(NOON);

const text = async (change: Partial<EfgsSettingsText> = {}): Promise<EfgsSettingsText> => ({
  baseUrl: 'https://gateway.example',
  country: 'DE',
  anchor: (await anchor).certificatePem,
  revoked: [],
  maxAgeDays: 2,
  ...change,
});

/** A gateway that answers with these statuses, one after the other. */
async function gateway(...statuses: number[]) {
  const asked: string[] = [];
  const settings = readSettings(await text());
  if (!settings.ok) throw new Error(settings.error);
  const clock = { now: NOON };
  const ports: EfgsPorts = {
    settings: settings.value,
    now: () => clock.now,
    fetch: async ({ method, url }) => {
      asked.push(`${method} ${url}`);
      return new Response('', { status: statuses.shift() ?? 200 });
    },
  };
  return { asked, clock, ports };
}

describe('the subscription', () => {
  it('is put once a day, again and again the same', async ({ expect }) => {
    const { asked, clock, ports } = await gateway();
    let state = CALLBACK_START;
    for (const hours of [0, 1, 11, 12, 36]) {
      clock.now = NOON + hours * 3600;
      ({ state } = await callbackStep(state, ports, OWN));
    }
    const put =
      'PUT https://gateway.example/diagnosiskeys/callback/DE?url=https%3A%2F%2Ffederation.example%2Fefgs%2Fcallback';
    expect([asked, state]).toEqual([[put, put, put], { putOn: '2020-11-28' }]);
  });

  it('is put again soon where the gateway didn’t take it', async ({ expect }) => {
    const { asked, ports } = await gateway(503, 200);
    const refused = await callbackStep(CALLBACK_START, ports, OWN);
    expect(refused).toEqual({ state: CALLBACK_START, trouble: { kind: 'status', status: 503 } });
    expect(await callbackStep(refused.state, ports, OWN)).toEqual({ state: { putOn: '2020-11-26' }, trouble: null });
    expect(asked).toHaveLength(2);
  });

  it.for([
    [OWN.url, true],
    ['http://federation.example/', false],
    ['https://federation.example/?a=1', false],
    ['https://federation.example/?', false],
    ['https://federation.example/#a', false],
    ['https://user@federation.example/', false],
    ['federation.example', false],
  ] as const)('%s: %s', ([url, allowed], { expect }) => {
    expect(isCallbackUrl(url)).toBe(allowed);
  });
});

describe('a hint', () => {
  const hint = (query: string): string | null => readHint(new URL(`${OWN.url}?${query}`));

  it('names a batch and its day', ({ expect }) => {
    expect(hint('batchTag=20201126-3&date=2020-11-26')).toBe('20201126-3');
    for (const none of [
      '',
      'batchTag=20201126-3',
      'batchTag=20201126-3&date=2020-11-27',
      'batchTag=null&date=2020-11-26',
    ]) {
      expect(hint(none)).toBeNull();
    }
  });

  it('is news when the batch is later than the last one', ({ expect }) => {
    const state = { lastTag: '20201126-3', nextTag: null, date: '2020-11-26' };
    expect([isNews('20201126-3', state), isNews('20201126-4', state), isNews('20201127-1', state)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(isNews('20201126-1', { ...state, lastTag: null })).toBe(true);
  });
});

describe('settings', () => {
  it('are another gateway’s by other settings', async ({ expect }) => {
    expect(readSettings(await text({ baseUrl: 'https://other.example:8443/base' })).ok).toBe(true);
  });

  it.for<[keyof EfgsSettingsText, Partial<EfgsSettingsText>]>([
    ['baseUrl', { baseUrl: 'http://gateway.example' }],
    ['baseUrl', { baseUrl: 'https://gateway.example/' }],
    ['baseUrl', { baseUrl: 'https://gateway.example?x' }],
    ['country', { country: 'Germany' }],
    ['anchor', { anchor: 'none' }],
    ['revoked', { revoked: ['00ff'] }],
    ['maxAgeDays', { maxAgeDays: 0 }],
    ['maxAgeDays', { maxAgeDays: 15 }],
    ['maxAgeDays', { maxAgeDays: 1.5 }],
  ])('%s: refused by name', async ([name, change], { expect }) => {
    expect(readSettings(await text(change))).toEqual({ ok: false, error: name });
  });
});
