/**
 * @module The gateway for SMS of a local edge (docs/verification-codes.md, "SMS"): it takes what `verification` posts as a gateway would, checks its signature, and writes each message as a line of JSON into
 * the state directory, where whoever plays the phone's owner reads it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { appendFileSync } from 'node:fs';

/** File of messages in a state directory, a line each: `{"phone", "text", "uuid"}`. */
export const SMS_OUTBOX = 'sms-outbox.jsonl';

/** As much of a request as the outbox reads. */
interface Post {
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/**
 * @param file path of the outbox; made when the first message comes
 * @param secret that signs posts, `SMS_WEBHOOK_SECRET`; of a ring any of them may
 * @returns what answers a post: the status, 200 once the message is in the file
 */
export function smsOutbox(file: string, secret: string): (post: Post) => Promise<number> {
  return async (post) => {
    const body = await post.text();
    const given = Buffer.from(post.headers.get('x-signature') ?? '', 'hex');
    const isBy = (one: string): boolean => {
      const wanted = createHmac('sha512', one).update(body).digest();
      return given.length === wanted.length && timingSafeEqual(given, wanted);
    };
    if (!secret.split(',').some(isBy)) return 401;
    const { phone, generatedSMS, uuid } = JSON.parse(body) as Record<string, unknown>;
    appendFileSync(file, `${JSON.stringify({ phone, text: generatedSMS, uuid })}\n`, { mode: 0o600 });
    return 200;
  };
}
