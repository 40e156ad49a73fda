/** @module `verification` at the end of its deployment: no code, token or TAN any more; then nothing at all. */
import { reset } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, it } from 'vitest';
import { hashGuid } from '../../domain/derived-codes.ts';
import { isEmpty } from '../../domain/sunset.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { createApp } from './app.ts';
import type { VerificationEnv } from './bindings.ts';
import { scheduled } from './clocks.ts';
import type { BackOffice } from './entrypoints.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv;
const office = (exports as unknown as { BackOffice: InstanceType<typeof BackOffice> }).BackOffice;
const HOUR = 497_000;
const now = (): number => Math.floor(Date.now() / 1000);
/** The stub's laboratory has posted it as positive. */
const POSITIVE = `02${'a'.repeat(62)}`;

beforeEach(() => reset());

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}

async function post(path: string, members: object, fake = '0'): Promise<Response> {
  const app = createApp({ clock: now, mayAnswerAtOnce: true });
  const init = { method: 'POST', headers: { 'content-type': 'application/json', 'cwa-fake': fake } };
  return app.request(`/version/v1/${path}`, { ...init, body: JSON.stringify(members) }, bindings, {
    waitUntil: () => {},
    passThroughOnException: () => {},
    props: {},
  });
}
const ORDER = {
  testType: 'confirmed',
  symptomDate: new Date().toISOString().slice(0, 10),
  testDate: null,
  tzOffset: 0,
  phone: null,
  uuid: null,
  externalIssuerId: null,
  smsTemplateLabel: null,
  onlyGenerateSms: false,
  long: false,
} as const;
/** @param said a reply whose code is shown, or members */
async function device(apiKey: string, path: string, said: object | undefined): Promise<Response> {
  const app = createApp({ clock: now, mayAnswerAtOnce: true });
  const members = said !== undefined && 'code' in said ? { code: said.code } : said;
  const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
  return app.request(`/api/${path}`, { method: 'POST', headers, body: JSON.stringify(members) }, bindings, {
    waitUntil: () => {},
    passThroughOnException: () => {},
    props: {},
  });
}
const register = (key: string): Promise<Response> => post('registrationToken', { key, keyType: 'GUID' });

it('ends in two steps: who has a token is told a result until the last', async ({ expect }) => {
  const { ledger } = servicesOf(bindings);
  const [tan = '', other = ''] = (await office.issueTans({ count: 2, issuer: 'ops' }))?.tans ?? [];
  const reserved = await ledger.reserve(tan, reserveRequest('ab'.repeat(32)));
  const teleTan = await office.issueTeleTan('anna');
  const { registrationToken } = await (await register(POSITIVE)).json<{ registrationToken: string }>();
  expect((await office.remains()).every(({ phase }) => phase === 'open')).toBe(true);
  expect(await refusal(() => office.purgeForGood(HOUR))).toContain('stopped before it is purged');

  const { text: apiKey } = await office.createApiKey('device', 'app');
  const [code, spare] = await office.issueCodes('anna', [ORDER, ORDER]);
  const token = (await (await device(apiKey, 'verify', code)).json<{ token: string }>()).token;

  await office.stopForGood(HOUR);
  await office.stopForGood(HOUR + 1);
  expect((await post('testresult', { registrationToken })).status).toBe(200);
  expect([(await register(POSITIVE)).status, (await register(hashGuid('another'))).status]).toEqual([400, 400]);
  expect((await post('tan', { registrationToken })).status).not.toBe(201);
  expect((await post('registrationToken', { key: teleTan?.teleTan, keyType: 'TELETAN' })).status).toBe(400);
  expect(await ledger.reserve(other, reserveRequest('cd'.repeat(32)))).toEqual({ kind: 'unknown' });
  // Its keys are stored already.
  if (reserved.kind === 'reserved') await ledger.commit(tan, reserved.reservationId);
  for (const call of [
    () => office.issueTans({ count: 1, issuer: 'ops' }),
    () => office.issueTeleTan('anna'),
    () => office.makeCards('practice', 'label', 20),
    () => office.issueCodes('anna', [{ ...ORDER, uuid: null }]),
    () => office.createApiKey('device', 'app'),
  ]) {
    expect(await refusal(call)).toContain('this deployment has ended');
  }
  const errorOf = async (path: string, said: object | undefined) =>
    (await (await device(apiKey, path, said)).json<{ errorCode: string }>()).errorCode;
  const certificate = { token, ekeyhmac: btoa('m'.repeat(32)) };
  const refused = async () => [await errorOf('verify', spare), await errorOf('certificate', certificate)];
  expect(await refused()).toEqual(['code_invalid', 'token_expired']);
  const stopped = await office.remains();
  expect(new Set(stopped.map(({ phase, since }) => `${phase} ${since}`))).toEqual(new Set([`stopped ${HOUR}`]));
  expect(stopped.find(({ object }) => object === 'ledger')?.tables['held_tan']).toBe(2);

  await office.purgeForGood(HOUR + 2);
  await scheduled({ scheduledTime: Date.now() }, bindings);
  const left = await office.remains();
  expect([left.length, left.filter((one) => !isEmpty(one))]).toEqual([20, []]);
  expect(await refused()).toEqual(['code_invalid', 'token_expired']);
  for (const path of ['testresult', 'tan']) expect((await post(path, { registrationToken })).status).toBe(400);
  expect((await register(POSITIVE)).status).toBe(400);
  expect((await post('forget', { registrationToken })).status).toBe(200);
  expect(await ledger.reserve(other, reserveRequest('cd'.repeat(32)))).toEqual({ kind: 'unknown' });
  expect(await refusal(() => office.teleTanBook('anna'))).toContain('this deployment has ended');
  await office.purgeForGood(HOUR + 3);
  expect((await office.remains()).every((one) => isEmpty(one) && one.since === HOUR + 2)).toBe(true);
});
