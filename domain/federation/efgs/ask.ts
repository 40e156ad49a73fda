/**
 * @module One question to the gateway: what came, or that nothing did. No answer is read further than any gateway's goes.
 */
import { readAtMost } from '../bounded.ts';
import type { EfgsPorts } from './ports.ts';

/** 5,000 keys that name every country are 1.1 MB of protobuf; their audit, an upload a key, can't be. */
const MAX_ANSWER_BYTES = 8_000_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** A question: path below /diagnosiskeys. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Why a step came no further. Nothing is lost by it: the state is one from which the step is taken again. */
export type Trouble =
  /** No answer, or not a whole one. */
  | { readonly kind: 'network' }
  /** An answer that says no: 403 and 406 want a person, 5xx another time. */
  | { readonly kind: 'status'; readonly status: number }
  /** An answer that no gateway may give; which rule it breaks. */
  | { readonly kind: 'protocol'; readonly what: string };

/** @returns the answer, or null when there was none, or it went on and on */
export async function ask(ports: EfgsPorts, { method, path, headers = {}, body }: Question): Promise<Answer | null> {
  const url = `${ports.settings.baseUrl}/diagnosiskeys${path}`;
  const content = body === undefined ? {} : { body: Uint8Array.from(body) };
  try {
    const came = await ports.fetch(
      new Request(url, { method, headers: { ...headers }, redirect: 'manual', ...content }),
    );
    const bytes = await readAtMost(came, MAX_ANSWER_BYTES);
    return bytes === null ? null : { status: came.status, headers: came.headers, body: bytes };
  } catch {
    // Whatever broke, the connection or its deadline, the question is asked again another time.
    return null;
  }
}

/** @param answer null: there was none @returns what is wrong with it, as far as its status goes */
export function troubleOf(answer: Answer | null): Trouble {
  return answer === null ? { kind: 'network' } : { kind: 'status', status: answer.status };
}
