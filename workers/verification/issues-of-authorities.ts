/**
 * @module The issue ids of health authorities, remembered for a minute: the books give one id a UTC day, and where many phones publish at once the question costs as much as the answer to
 * them (docs/decisions/070). Nothing of a phone or its certificate is in here.
 *
 * A rollback that ends an id meanwhile is heard of a minute late, and nothing is published by it: `origin` stores nothing of an id that has ended, and takes back what came with it before.
 */
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';

/** As long as the policy by which `upload` and `verification` judge. */
const KEPT_SECONDS = 60;
/** Authorities of a document are some dozens; more are asked for each time. */
const MOST = 1_000;

interface Known {
  readonly issueId: string;
  readonly day: number;
  readonly askedAt: number;
}

export class IssuesOfAuthorities {
  readonly #known = new Map<string, Known>();

  /**
   * @param authorityId of a certificate that was verified
   * @param now Unix seconds
   * @param ask the books
   * @returns what the books said, at most {@link KEPT_SECONDS} ago and on the same UTC day; that a day has ended isn't remembered
   */
  async get(authorityId: string, now: number, ask: () => Promise<string | null>): Promise<string | null> {
    const day = Math.floor(now / SECONDS_PER_DAY);
    const known = this.#known.get(authorityId);
    const age = known === undefined ? Infinity : now - known.askedAt;
    if (known?.day === day && age >= 0 && age < KEPT_SECONDS) return known.issueId;
    const issueId = await ask();
    if (issueId === null) this.#known.delete(authorityId);
    else if (this.#known.size < MOST || this.#known.has(authorityId))
      this.#known.set(authorityId, { issueId, day, askedAt: now });
    return issueId;
  }
}
