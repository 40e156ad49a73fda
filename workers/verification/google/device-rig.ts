/** @module What tests of the device API share: the Worker over its real objects with a clock that a test moves, a gateway that keeps what it is given, and the questions of an app. */
import { createExecutionContext, reset, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import type { IssueCodeRequest, IssuedCode, SmsMessage, SmsOutcome } from '../../../domain/rpc-codes.ts';
import type { CodeStore } from '../../../durable-objects/code-store/code-store.ts';
import { fromBase64Url, fromUtf8, toBase64 } from '../../../protocol/primitives/bytes.ts';
import { createApp } from '../app.ts';
import type { VerificationEnv } from '../bindings.ts';
import { servicesOf } from '../services.ts';

export const bindings = { ...(env as unknown as VerificationEnv), ANSWER_DEADLINE_MS: '0' };
export const DAY = 86_400;
/** Noon of a UTC day. */
export const NOON = Math.floor(Date.now() / 1000 / DAY) * DAY + DAY / 2;
/** What a test moves or looks at: the clock, messages that went out, and what the gateway says. */
export const state = { now: NOON, sent: [] as SmsMessage[], outcome: 'sent' as SmsOutcome, apiKey: '' };
const sms = {
  send: async (message: SmsMessage) => {
    state.sent.push(message);
    return state.outcome;
  },
};
export const app = createApp({ clock: () => state.now, mayAnswerAtOnce: true, sms: () => sms });
export const store = () => bindings.CODE_STORE.getByName('store');
export const codes = () => servicesOf(bindings).codes;
/** @returns what work over the store's tables returns */
export const atStore = <R>(work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(store(), (_object, { storage }) => work(storage.sql));

/** Moves the clocks of Worker and store; the second source says the same. */
export async function moveTo(at: number): Promise<void> {
  state.now = at;
  for (const object of [store(), bindings.CODE_DESK.getByName('desk')]) {
    await runInDurableObject(object as DurableObjectStub<CodeStore>, (instance) => {
      Object.assign(instance, { clock: () => state.now, secondClock: async () => state.now });
    });
  }
}

/** An empty store at noon, and one API key of an app. */
export async function begin(): Promise<void> {
  await reset();
  await moveTo(NOON);
  Object.assign(state, { sent: [], outcome: 'sent', apiKey: (await codes().createApiKey('device', 'app')).text });
}

interface Sending {
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly app?: typeof app;
  readonly of?: VerificationEnv;
}

/** Asks a route of the device API, with the key of the app if no other is given. */
export async function post(
  path: string,
  body: unknown,
  { key = state.apiKey, headers = {}, app: to = app, of = bindings }: Sending = {},
) {
  const context = createExecutionContext();
  const request = new Request(`https://verification.example/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== null && { 'x-api-key': key }), ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const response = await to.fetch(request, of, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text) as Record<string, unknown>,
  };
}

export const today = (): string => new Date(state.now * 1000).toISOString().slice(0, 10);
/** What is asked for where a test says no more. */
export const order = (more: Partial<IssueCodeRequest> = {}): IssueCodeRequest => ({
  testType: 'confirmed',
  symptomDate: today(),
  testDate: null,
  tzOffset: 0,
  phone: null,
  uuid: null,
  externalIssuerId: null,
  smsTemplateLabel: null,
  onlyGenerateSms: false,
  long: true,
  ...more,
});

/** @returns a code @throws Error of the refusal */
export async function issue(more: Partial<IssueCodeRequest> = {}, issuer = 'anna'): Promise<IssuedCode> {
  const [reply] = await codes().issue(issuer, [order(more)]);
  if (reply === undefined || 'error' in reply) throw new Error(reply?.error);
  return reply;
}

export const tokenOf = async (code: string): Promise<string> =>
  (await post('verify', { code })).json['token'] as string;
export const macOf = (byte: number): string => toBase64(new Uint8Array(32).fill(byte));
/** @param byte of the MAC, over and over */
export const certify = (token: string, byte: number) =>
  post('certificate', { token, ekeyhmac: macOf(byte), padding: 'AAAA' });
/** @returns what a certificate says */
export const claimsOf = (jwt: unknown): Record<string, unknown> =>
  JSON.parse(fromUtf8(fromBase64Url((jwt as string).split('.')[1] ?? ''))) as Record<string, unknown>;
