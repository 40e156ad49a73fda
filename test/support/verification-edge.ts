/**
 * @module The verification and upload servers of a simulation: domain's state machine of sessions in memory, a network
 * that loses requests and answers as told, and a record of what came over the wire.
 */
import { isLive, laboratorySession, nextTan, polled, register, type Session } from '../../domain/session.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { decodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import type { Fetch } from '../../phone/http.ts';
import type { OpeningCode } from '../../phone/verification/codes.ts';
import { type RandomBytes, randomUuid } from '../../phone/random.ts';

/** What happens to one request on its way. */
export type Fate = 'delivered' | 'lost' | 'answer-lost' | 'busy';

export interface Seen {
  readonly path: string;
  readonly fake: string;
  /** Length of path, headers and body together. */
  readonly size: number;
}

/** What a request says of itself, in its body (docs/decisions/025). */
function isDummy(path: string, body: Uint8Array): boolean {
  if (!path.endsWith('/diagnosis-keys')) {
    return (JSON.parse(new TextDecoder().decode(body)) as { cover?: unknown }).cover === true;
  }
  const payload = decodeSubmissionPayload(body);
  return payload.ok && payload.value.cover === true;
}

export class VerificationEdge {
  readonly seen: Seen[] = [];
  /** Key data in hex of every key stored, in order: one that is stored twice stands there twice. */
  readonly stored: string[] = [];
  readonly #sessions = new Map<string, { session: Session; token: string; tans: string[]; result: () => number }>();
  readonly #tans = new Map<string, { keys: string | null; committed: boolean }>();
  readonly #random: RandomBytes;
  now: number;
  followUpDays = 0;
  /** Asked for each request. */
  fate: () => Fate = () => 'delivered';
  /** Whether an upload that is stored leaves its TAN uncommitted, until the same upload comes again. */
  losesCommits = false;

  /** @param random source of tokens and TANs @param now Unix seconds */
  constructor(random: RandomBytes, now: number) {
    this.#random = random;
    this.now = now;
  }

  /** TANs that nobody has used yet expire. */
  expireTans(): void {
    for (const [tan, row] of this.#tans) if (row.keys === null) this.#tans.delete(tan);
  }

  /**
   * A laboratory or a hotline vouches for a code.
   *
   * @param code opens the session
   * @param result code as an app is given it (docs/spec/cwa.md §3.1), asked at each poll
   */
  issue(code: OpeningCode, result: () => number): void {
    const session: Session = { ...laboratorySession(code.key, null, this.now), state: 'issued', registeredAt: null };
    this.#sessions.set(code.key, { session, token: randomUuid(this.#random), tans: [], result });
  }

  /** @returns what a phone's fetch is to be */
  get fetch(): Fetch {
    return async (url, init) => {
      const fate = this.fate();
      if (fate === 'lost') throw new TypeError('fetch failed');
      if (fate === 'busy') return new Response(null, { status: 503 });
      const headers = new Headers(init?.headers);
      const body = new Uint8Array(await new Response(init?.body ?? null).arrayBuffer());
      const path = new URL(url).pathname;
      const fake = isDummy(path, body) ? '1' : '0';
      const size = [...headers].reduce((sum, [name, value]) => sum + name.length + value.length, path.length);
      this.seen.push({ path, fake, size: size + body.length });
      const answer = fake === '0' ? this.#answer(path, body) : new Response('{}', { status: 200 });
      if (fate === 'answer-lost') throw new TypeError('terminated');
      return answer;
    };
  }

  #answer(path: string, body: Uint8Array): Response {
    if (path.endsWith('/diagnosis-keys')) return this.#upload(body);
    const question = JSON.parse(new TextDecoder().decode(body)) as { key?: string; registrationToken?: string };
    if (path.endsWith('/registrationToken')) return this.#register(question.key ?? '');
    const found = [...this.#sessions.values()].find(({ token }) => token === question.registrationToken);
    if (found === undefined || !isLive(found.session, this.now)) return new Response(null, { status: 400 });
    if (path.endsWith('/testresult')) {
      found.session = polled(found.session);
      return Response.json({ testResult: found.result(), sc: this.now });
    }
    if (path.endsWith('/forget')) {
      found.session = { ...found.session, state: 'deleted' };
      return Response.json({ forgotten: true });
    }
    return found.result() % 5 === 2 ? this.#tan(found) : new Response(null, { status: 400 });
  }

  #register(key: string): Response {
    const found = this.#sessions.get(key);
    const answer = register(found?.session ?? null, null, this.now);
    if (found === undefined || answer === null) return new Response(null, { status: 400 });
    found.session = answer.session;
    const body = { registrationToken: found.token };
    return answer.granted ? Response.json(body, { status: 201 }) : new Response(null, { status: 400 });
  }

  #tan(found: { session: Session; tans: string[] }): Response {
    const current = this.#tans.get(found.tans[found.session.tanNumber] ?? '');
    const rules = { lifetimeSeconds: 86_400, followUpDays: this.followUpDays };
    const isFirst = found.session.firstTanAt === null;
    const status = current === undefined ? (isFirst ? 'gone' : 'expired') : current.committed ? 'committed' : 'live';
    const session = nextTan(found.session, status, this.now, rules);
    if (session === null) return new Response(null, { status: 400 });
    found.session = session;
    const tan = (found.tans[session.tanNumber] ??= randomUuid(this.#random));
    if (!this.#tans.has(tan)) this.#tans.set(tan, { keys: null, committed: false });
    return Response.json({ tan }, { status: 201 });
  }

  #upload(body: Uint8Array): Response {
    const payload = decodeSubmissionPayload(body);
    if (!payload.ok) return new Response(null, { status: 400 });
    const tan = payload.value.authorization ?? '';
    const row = this.#tans.get(tan);
    if (row === undefined) return new Response(null, { status: 403 });
    const names = payload.value.keys.map(({ keyData }) => toHex(keyData ?? new Uint8Array()));
    const keys = JSON.stringify([names, payload.value.visitedCountries, payload.value.consentToFederation]);
    if (row.keys !== null && row.keys !== keys) return new Response(null, { status: 403 });
    const isRepeated = row.keys === keys;
    // An upload of known keys alone is answered as stored, and leaves its TAN (docs/architecture.md §4.5).
    if (!isRepeated && names.every((name) => this.stored.includes(name))) return new Response(null, { status: 200 });
    if (!isRepeated) this.stored.push(...names);
    this.#tans.set(tan, { keys, committed: isRepeated || !this.losesCommits });
    return new Response(null, { status: 200 });
  }
}
