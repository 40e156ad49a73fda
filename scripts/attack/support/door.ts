/**
 * @module What an attacker can do at `verification` and `upload` from outside, what a laboratory does, and time: once over
 * HTTP against a local edge, once against what verification was before (former-verification.ts).
 */
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { setClock } from '../../support/operator.ts';
import { postResults } from '../../support/laboratory.ts';
import { byteSource, patientKeys } from '../../support/patients.ts';

export interface Door {
  /** @returns the token, or null where none is given */
  register(key: string, birthDateKey?: string | null, keyType?: 'GUID' | 'TELETAN'): Promise<string | null>;
  /** @returns the code of the result, or null where none is shown */
  result(token: string): Promise<number | null>;
  tan(token: string): Promise<string | null>;
  forget(token: string): Promise<void>;
  /** Uploads keys that nobody has seen. @returns whether they are stored */
  upload(tan: string): Promise<boolean>;
  /** A laboratory's word: 1 negative, 2 positive. */
  post(ids: readonly string[], result: 1 | 2): Promise<void>;
  /** Time goes by, and what is due is forgotten. @param seconds > 0 */
  wait(seconds: number): Promise<void>;
}

/** The verification server of a local edge that has a laboratory, and no deadline for answers. */
export class EdgeDoor implements Door {
  readonly #edge: LocalEdge;
  readonly #random: (length: number) => Uint8Array;
  #now: number;

  /** @param edge a running one @param now Unix seconds @param seed of what is uploaded */
  constructor(edge: LocalEdge, now: number, seed: string) {
    this.#edge = edge;
    this.#now = now;
    this.#random = byteSource(seed);
  }

  async register(
    key: string,
    birthDateKey: string | null = null,
    keyType: 'GUID' | 'TELETAN' = 'GUID',
  ): Promise<string | null> {
    const keyDob = birthDateKey === null ? {} : { keyDob: birthDateKey };
    const { status, body } = await this.#ask('registrationToken', { keyType, key, ...keyDob });
    return status === 201 ? (body['registrationToken'] as string) : null;
  }

  async result(token: string): Promise<number | null> {
    const { status, body } = await this.#ask('testresult', { registrationToken: token });
    return status === 200 ? (body['testResult'] as number) : null;
  }

  async tan(token: string): Promise<string | null> {
    const { status, body } = await this.#ask('tan', { registrationToken: token });
    return status === 201 ? (body['tan'] as string) : null;
  }

  async forget(token: string): Promise<void> {
    await this.#ask('forget', { registrationToken: token });
  }

  async upload(tan: string): Promise<boolean> {
    const keys = patientKeys(this.#random, this.#now).slice(0, 1);
    const content = { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 } as const;
    return (await upload(tan, content, { fetch, baseUrl: this.#edge.url, random: this.#random })).ok;
  }

  async post(ids: readonly string[], result: 1 | 2): Promise<void> {
    await postResults(this.#edge.url, ids, result);
  }

  async wait(seconds: number): Promise<void> {
    this.#now += seconds;
    await setClock(this.#edge.url, this.#now);
    const staff = await this.#edge.miniflare.getBindings('exposure-edge-portal');
    await (
      staff as unknown as { readonly VERIFICATION: { forgetExpired(): Promise<unknown> } }
    ).VERIFICATION.forgetExpired();
  }

  async #ask(route: string, question: object) {
    const answer = await fetch(`${this.#edge.url}/version/v1/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'cwa-fake': '0' },
      body: JSON.stringify(question),
    });
    if (answer.status === 500) throw new Error(`${route}: 500`);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
}
