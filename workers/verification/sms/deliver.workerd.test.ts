/** @module Codes that leave by SMS, in workerd with the real code store: what is cancelled leaves no code and takes no quota, what has left isn't sent again, and nothing of a number is kept. */
import { createExecutionContext, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import type { IssueCodeRequest } from '../../../domain/rpc-codes.ts';
import { forgetCodes } from '../../../durable-objects/code-store/forget-ops.ts';
import type { VerificationEnv } from '../bindings.ts';
import { BackOffice } from '../entrypoints.ts';

const bindings: VerificationEnv = {
  ...(env as unknown as VerificationEnv),
  SMS_WEBHOOK_URL: 'https://sms.example/',
};
const store = () => bindings.CODE_STORE.getByName('store');
const PHONE = '+491701234567';
const ISSUER = 'key:ab';

const posts: string[] = [];
let status = 200;
/** What the gateway waits for before it answers. */
let hold: Promise<void> = Promise.resolve();

/** The deployed entrypoint, before a gateway of ours. */
class Desk extends BackOffice {
  protected override post = async (_url: string, init: RequestInit): Promise<Response> => {
    posts.push(init.body as string);
    const answer = new Response(null, { status });
    await hold;
    return answer;
  };
}
const desk = (): Desk => new Desk(createExecutionContext(), bindings);

const request = (more: Partial<IssueCodeRequest> = {}): IssueCodeRequest => ({
  testType: 'confirmed',
  symptomDate: null,
  testDate: new Date().toISOString().slice(0, 10),
  tzOffset: 0,
  phone: PHONE,
  uuid: crypto.randomUUID(),
  externalIssuerId: null,
  smsTemplateLabel: null,
  onlyGenerateSms: false,
  long: true,
  ...more,
});

beforeEach(async () => {
  await reset();
  posts.length = 0;
  status = 200;
  hold = Promise.resolve();
});

describe('deliverCodes', () => {
  it('sends a code once: a repeated request gives it again, and sends nothing', async ({ expect }) => {
    const asked = request();
    const [first] = await desk().deliverCodes(ISSUER, [asked]);
    expect(first).toMatchObject({ sent: true, uuid: asked.uuid, longCode: expect.stringMatching(/^[a-z0-9]{16}$/) });
    expect(await desk().deliverCodes(ISSUER, [{ ...asked, uuid: asked.uuid?.toUpperCase() ?? '' }])).toEqual([first]);
    expect(posts).toHaveLength(1);
    expect(await desk().deliverCodes(ISSUER, [{ ...asked, phone: '+491707654321' }])).toEqual([
      { error: 'uuid_already_exists' },
    ]);
  });

  it('cancels a code whose message did not leave: it is gone, counts for nothing, and may be asked for again', async ({
    expect,
  }) => {
    const asked = request();
    status = 500;
    expect(await desk().deliverCodes(ISSUER, [asked])).toEqual([{ error: 'sms_failure' }]);
    expect(await desk().codeStatus(ISSUER, asked.uuid ?? '')).toBeNull();
    expect((await desk().codeBook(ISSUER)).used).toBe(0);
    status = 200;
    expect(await desk().deliverCodes(ISSUER, [asked])).toEqual([expect.objectContaining({ sent: true })]);
    expect((await desk().codeBook(ISSUER)).used).toBe(1);
  });

  it('sends once to two who ask at once, and cancels nothing of what the other sent', async ({ expect }) => {
    const asked = request();
    const { promise, resolve } = Promise.withResolvers<void>();
    hold = promise;
    const first = desk().deliverCodes(ISSUER, [asked]);
    await expect.poll(() => posts.length).toBe(1);
    hold = Promise.resolve();
    // Its caller lost patience; the gateway would refuse the second one.
    status = 500;
    expect(await desk().deliverCodes(ISSUER, [asked])).toEqual([{ error: 'sms_queue_full' }]);
    resolve();
    expect(await first).toEqual([expect.objectContaining({ sent: true })]);
    expect(await desk().deliverCodes(ISSUER, [asked, asked])).toEqual([...(await first), ...(await first)]);
    expect(posts).toHaveLength(1);
    await store().cancelCode(ISSUER, asked.uuid ?? '');
    expect(await desk().codeStatus(ISSUER, asked.uuid ?? '')).toMatchObject({ claimed: false });
  });

  it('tells who reported by themselves minutes, not hours; staff aren’t offered that text', async ({ expect }) => {
    await desk().deliverCodes(ISSUER, [request({ testType: 'user-report' }), request()]);
    const [own, staff] = posts.map((post) => (JSON.parse(post) as { generatedSMS: string }).generatedSMS);
    expect(own).toMatch(/good for 15 minutes/);
    expect(own).not.toMatch(/hour/);
    expect(staff).toMatch(/within 24 hours/);
    expect((await desk().messageSettings()).templates).toEqual(['Default']);
  });

  it('keeps no number, and the mark that a message has left for a day', async ({ expect }) => {
    await desk().deliverCodes(ISSUER, [request(), request({ phone: null })]);
    await runInDurableObject(store(), (_object, { storage: { sql } }) => {
      const tables = sql.exec<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
      );
      const rows = tables.toArray().flatMap(({ name }) => sql.exec(`SELECT * FROM "${name}"`).toArray());
      expect(JSON.stringify(rows)).not.toContain(PHONE.slice(1));
      const marks = (): number => sql.exec<{ n: number }>('SELECT count(*) AS n FROM code_sent').one().n;
      expect(marks()).toBe(1);
      const now = Math.floor(Date.now() / 1000);
      const forgetBy = (at: number): void => {
        while (forgetCodes(sql, at)) continue;
      };
      forgetBy(now + 86_300);
      expect(marks()).toBe(1);
      forgetBy(now + 86_460);
      expect(marks()).toBe(0);
    });
  });

  it('issues a thousand, every second of them by SMS, each at its place', async ({ expect }) => {
    const asked = Array.from({ length: 1_000 }, (_, i) =>
      request({ phone: i % 2 === 0 ? null : `+49170${1_000_000 + i}` }),
    );
    const replies = await desk().deliverCodes(ISSUER, asked);
    expect(replies.map((reply) => ('error' in reply ? reply.error : reply.uuid))).toEqual(
      asked.map(({ uuid }) => uuid),
    );
    expect(posts).toHaveLength(500);
  });
});
