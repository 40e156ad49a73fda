/**
 * @module One HTTP request to a host of the stage: through the account's edge, or, where the account is the double, to the port where deployed Workers answer by their Host header. Follows
 * nothing and reads a little of the body.
 */
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Account } from '../account.ts';

/** What is asked. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** From the first slash. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | null;
}

/** What came. */
export interface Came {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The first kilobytes, as text. */
  readonly text: string;
}

const TIMEOUT_MS = 20_000;
const MAX_TEXT_BYTES = 4096;

/**
 * @param account whose edge
 * @param host of the stage
 * @param question what is asked
 * @returns what came
 * @throws Error when nothing came
 */
export function ask(account: Pick<Account, 'edge'>, host: string, question: Question): Promise<Came> {
  const { method, path, headers, body } = question;
  const url = new URL(path, account.edge ?? `https://${host}`);
  const send = url.protocol === 'https:' ? secureRequest : plainRequest;
  return new Promise((resolve, reject) => {
    const sent = send(
      url,
      {
        method,
        headers: { ...headers, host, ...(body === null ? {} : { 'content-length': body.length }) },
        timeout: TIMEOUT_MS,
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          if (length < MAX_TEXT_BYTES) parts.push(part);
          length += part.length;
        });
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(parts).subarray(0, MAX_TEXT_BYTES).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      },
    );
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    sent.once('error', reject);
    sent.end(body ?? undefined);
  });
}
