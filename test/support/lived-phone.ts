/**
 * @module A person's phone on its timetable, with every request sent to the verification server of a simulation: when the wire shows
 * an action, and which requests.
 */
import { open, share, type Timetable, type TimetablePorts, wake } from '../../phone/course/cover-traffic.ts';
import type { CoverSettings, Opening } from '../../phone/course/course.ts';
import { shareLastKey, stateOf, type TestState } from '../../phone/course/test-course.ts';
import type { RandomBytes } from '../../phone/random.ts';
import { currentKey, endedKeys, type TekHistory } from '../../phone/radio/tek-schedule.ts';
import { memoryStore } from '../../phone/store.ts';
import { withOnset } from '../../phone/upload/onset.ts';
import { VerificationEdge } from './verification-edge.ts';

const CODE = { keyType: 'GUID', key: 'ab'.repeat(32), keyDob: null } as const;
const DAY = 86_400;

export class LivedPhone {
  readonly edge: VerificationEdge;
  readonly ports: TimetablePorts;
  /** Unix seconds of each action. */
  readonly times: number[] = [];
  #history: TekHistory = [];
  readonly #random: RandomBytes;

  /** @param now Unix seconds @param settings the schedule @param random source of everything */
  constructor(now: number, settings: CoverSettings, random: RandomBytes) {
    this.#random = random;
    this.edge = new VerificationEdge(random, now);
    for (let day = 3; day > 0; day--) this.at(now - day * DAY);
    this.at(now);
    this.ports = {
      fetch: this.edge.fetch,
      baseUrl: 'http://edge.test',
      verificationUrl: 'http://edge.test',
      random,
      clock: () => this.edge.now,
      store: memoryStore<TestState>(),
      timetable: memoryStore<Timetable>(),
      settings,
    };
  }

  /** It is then. @param now Unix seconds */
  at(now: number): void {
    this.edge.now = now;
    this.#history = currentKey(this.#history, now, this.#random).history;
  }

  readonly #own = (keys: Parameters<typeof withOnset>[0]) => withOnset(keys, { kind: 'none' }, this.edge.now);

  async scan(opening: Opening, result: () => number): Promise<void> {
    this.edge.issue(CODE, result);
    this.times.push(this.edge.now);
    await open(CODE, opening, this.ports);
  }

  async share() {
    this.times.push(this.edge.now);
    const keys = this.#own(endedKeys(this.#history, this.edge.now));
    return share({ keys, visitedCountries: [], consentToFederation: true, submissionType: 0 }, this.ports);
  }

  /** Everything that is due. @returns Unix seconds of what comes next */
  async wake(): Promise<number> {
    const before = this.edge.seen.length;
    const next = await wake(() => shareLastKey(this.#own, this.#history, this.ports), this.ports);
    const actions = (this.edge.seen.length - before) / 3;
    this.times.push(...Array<number>(actions).fill(this.edge.now));
    return next;
  }

  /**
   * Until nothing of the test is left to do.
   *
   * @param consentAfter seconds from a positive result to the consent, null for nobody who shares
   */
  async live(consentAfter: (() => number) | null): Promise<void> {
    let consent = Infinity;
    for (;;) {
      const timetable = await this.ports.timetable.load();
      const real = timetable.ok ? timetable.value?.real : null;
      if (real === null || real === undefined) return;
      const state = await stateOf(this.ports);
      const mayShare = state?.stage === 'registered' && state.result === 'positive' && state.sharing === null;
      if (mayShare && consent === Infinity && consentAfter !== null) consent = this.edge.now + consentAfter();
      if (mayShare && consent <= real.next.at) {
        this.at(consent);
        await this.share();
      } else {
        this.at(real.next.at);
        await this.wake();
      }
    }
  }
}
