/**
 * @module `npm run attack -- second-token`: somebody else's test read, destroyed or opened a second time by way of the date of
 * birth, and a third TAN once the ledger has forgotten the first; on the local edge, and on what verification was before.
 */
import { MAX_TAN_LIFETIME_SECONDS, longestAnswerOfTan } from '../../domain/tan.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { openLaboratory } from '../support/laboratory.ts';
import { setClock } from '../support/operator.ts';
import { byteSource } from '../support/patients.ts';
import type { Attack, Verdict } from './attack.ts';
import { type Door, EdgeDoor } from './support/door.ts';
import { FormerVerification } from './support/former-verification.ts';

/** 2026-11-24, 10:20 UTC. */
const START = Date.UTC(2026, 10, 24, 10, 20) / 1000;
/** By then the ledger has forgotten a TAN; that of the former verification had after 26 hours. */
const FORGOTTEN_AFTER_SECONDS = longestAnswerOfTan(MAX_TAN_LIFETIME_SECONDS);
const FORMER_FORGOTTEN_AFTER_SECONDS = 26 * 3_600;
const VICTIMS = 10;
/** Dates of birth that whoever has the flyer tries, all at once. */
const TRIES = 200;
/** After the laboratory has answered, and one while it had not (decision 024). */
const MAX_COMPARED = 6;

/** What the attacker came to. */
interface Loot {
  /** Of ten results of others, told right. */
  readonly read: number;
  /** Of ten tests of others: gone, or no longer to be opened by their persons. */
  readonly destroyed: number;
  /** Sessions opened with the hash of a date of birth in a test's place. */
  readonly secondSessions: number;
  /** Sessions that a wrong date of birth opened once the laboratory had answered, and TANs that any got. */
  readonly wrongOpened: number;
  readonly wrongTans: number;
  /** Right dates found among 200 when they stand at the end, and places at which one is found. */
  readonly found: number;
  /** Uploads of one positive test in 47 hours, and once more when the ledger has forgotten. */
  readonly uploads: number;
}

interface Test {
  readonly id: string;
  /** Hash over GUID and date of birth. */
  readonly birthDate: string;
}

class Attacker {
  readonly #door: Door;
  readonly #draw: (bytes: number) => string;

  constructor(door: Door, draw: (bytes: number) => string) {
    this.#door = door;
    this.#draw = draw;
  }

  async attack(): Promise<Loot> {
    const read = await this.#read();
    const destroyed = (await this.#destroyByPlainId()) + (await this.#destroyByWrongDate());
    const secondSessions = await this.#openTwice();
    const wrong = await this.#guess();
    return { read, destroyed, secondSessions, ...wrong, uploads: await this.#third() };
  }

  #test(): Test {
    return { id: this.#draw(32), birthDate: `x${this.#draw(32).slice(1)}` };
  }

  /** A test of one's own, positive, and somebody else's id as its date of birth: 200 or 403 says whether that is positive. */
  async #read(): Promise<number> {
    let right = 0;
    for (let i = 0; i < VICTIMS; i++) {
      const [victim, own] = [this.#test(), this.#test()];
      const result = i % 2 === 0 ? 2 : 1;
      await this.#door.post([victim.id, victim.birthDate], result);
      await this.#door.post([own.id], 2);
      const token = await this.#door.register(own.id, victim.id);
      if (token === null) continue;
      if (((await this.#door.result(token)) === 2) === (result === 2)) right++;
    }
    return right;
  }

  /** Deleting one's own test with somebody else's id as its date of birth. */
  async #destroyByPlainId(): Promise<number> {
    let destroyed = 0;
    for (let i = 0; i < VICTIMS / 2; i++) {
      const [victim, own] = [this.#test(), this.#test()];
      await this.#door.post([victim.id, victim.birthDate, own.id], 2);
      const token = await this.#door.register(own.id, victim.id);
      if (token !== null) await this.#door.forget(token);
      if (!(await this.#isTheirs(victim))) destroyed++;
    }
    return destroyed;
  }

  /** Somebody else's flyer, a made-up date of birth, before the result is there; deleted once it is, or never polled. */
  async #destroyByWrongDate(): Promise<number> {
    let destroyed = 0;
    for (let i = 0; i < VICTIMS / 2; i++) {
      const victim = this.#test();
      const token = await this.#door.register(victim.id, this.#test().birthDate);
      await this.#door.post([victim.id, victim.birthDate], 2);
      if (token !== null && i % 2 === 0) await this.#door.forget(token);
      if (!(await this.#isTheirs(victim))) destroyed++;
    }
    return destroyed;
  }

  async #isTheirs({ id, birthDate }: Test): Promise<boolean> {
    const token = await this.#door.register(id, birthDate);
    return token !== null && (await this.#door.result(token)) === 2;
  }

  async #openTwice(): Promise<number> {
    let opened = 0;
    for (let i = 0; i < VICTIMS; i++) {
      const { id, birthDate } = this.#test();
      await this.#door.post([id, birthDate], 2);
      await this.#door.register(id, birthDate);
      const second = await this.#door.register(birthDate);
      if (second !== null) opened++;
    }
    return opened;
  }

  /** All dates at once; the right one stands at a place past those that may be tried. */
  async #guess(): Promise<Pick<Loot, 'wrongOpened' | 'wrongTans' | 'found'>> {
    let [wrongOpened, wrongTans, found] = [0, 0, 0];
    for (const isEarly of [true, false]) {
      const victim = this.#test();
      const early = isEarly ? await this.#door.register(victim.id, this.#test().birthDate) : null;
      await this.#door.post([victim.id, victim.birthDate], 2);
      const wrong = Array.from({ length: TRIES }, () => this.#test().birthDate);
      const tokens: (string | null)[] = [];
      for (let from = 0; from < TRIES; from += 50) {
        const some = wrong.slice(from, from + 50);
        tokens.push(...(await Promise.all(some.map((date) => this.#door.register(victim.id, date)))));
      }
      const opened = tokens.filter((token) => token !== null);
      wrongOpened += opened.length;
      for (const token of new Set([early, ...opened]))
        if (token !== null && (await this.#door.tan(token)) !== null) wrongTans++;
      if (await this.#isTheirs(victim)) found++;
    }
    return { wrongOpened, wrongTans, found };
  }

  /** A TAN used, the ledger's memory waited out, and all that are still given used too. */
  async #third(): Promise<number> {
    const { id } = this.#test();
    await this.#door.post([id], 2);
    const token = (await this.#door.register(id)) ?? '';
    let uploads = 0;
    const useAll = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        const tan = await this.#door.tan(token);
        if (tan === null || !(await this.#door.upload(tan))) return;
        uploads++;
      }
    };
    const first = await this.#door.tan(token);
    if (first !== null && (await this.#door.upload(first))) uploads++;
    for (const seconds of [FORMER_FORGOTTEN_AFTER_SECONDS, 3_600, 15 * 3_600, FORGOTTEN_AFTER_SECONDS]) {
      await this.#door.wait(seconds);
      await useAll();
    }
    return uploads;
  }
}

/** What is said of each; the former verification must be found to break it. */
const BOUNDS: readonly { readonly what: string; readonly name: keyof Loot; readonly most: number }[] = [
  { what: `of ${VICTIMS} results of others, read by naming their test as a date of birth`, name: 'read', most: 0 },
  { what: `of ${VICTIMS} tests of others, destroyed`, name: 'destroyed', most: 0 },
  {
    what: `of ${VICTIMS} tests, opened a second time by the hash of their date of birth`,
    name: 'secondSessions',
    most: 0,
  },
  { what: `of ${2 * TRIES} wrong dates of birth, opened a session`, name: 'wrongOpened', most: 0 },
  { what: 'TANs given to who was wrong about the date of birth', name: 'wrongTans', most: 0 },
  { what: `of 2 right dates of birth, found past the ${MAX_COMPARED} that may be tried`, name: 'found', most: 0 },
  { what: 'uploads of one positive test, the ledger’s memory waited out', name: 'uploads', most: 2 },
];
/** The former verification compared nothing at registration, gave no TAN to who differed, and opened a test once. */
const FORMER_FAULTS: readonly (keyof Loot)[] = ['read', 'destroyed', 'secondSessions', 'wrongOpened', 'uploads'];

export const attack: Attack = {
  name: 'second-token',
  summary:
    "dates of birth that read, destroy or open others' tests, and a third TAN once the ledger has forgotten the first",
  async run({ seed, progress }) {
    const random = byteSource(`second token ${seed}`);
    const draw = (bytes: number): string => toHex(random(bytes));
    const edge = await startLocalEdge({
      vars: {
        upload: { ANSWER_DEADLINE_MS: '0' },
        verification: { ANSWER_DEADLINE_MS: '0', TAN_LIFETIME_SECONDS: String(MAX_TAN_LIFETIME_SECONDS) },
      },
      onLog: () => undefined,
    });
    try {
      await setClock(edge.url, START);
      await openLaboratory(edge, { id: 'lab', name: 'Laboratory', birthDate: 'optional' });
      progress('the local edge');
      const loot = await new Attacker(new EdgeDoor(edge, START, draw(8)), draw).attack();
      progress('the former verification');
      const former = await new Attacker(new FormerVerification(), draw).attack();
      return [
        ...BOUNDS.map(({ what, name, most }): Verdict => {
          return { what, figure: String(loot[name]), bound: `at most ${most}`, holds: loot[name] <= most };
        }),
        ...BOUNDS.filter(({ name }) => FORMER_FAULTS.includes(name)).map(({ what, name, most }): Verdict => {
          const figure = String(former[name]);
          return {
            what: `the former verification: ${what}`,
            figure,
            bound: `found: above ${most}`,
            holds: former[name] > most,
          };
        }),
      ];
    } finally {
      await edge.dispose();
    }
  },
};
