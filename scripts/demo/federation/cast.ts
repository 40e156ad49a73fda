/**
 * @module The people of the story, in each of its regions: some who stay and consent, some who were abroad, some who refuse. What each shares is noted down, so that what comes out can be counted.
 */
import { toHex } from '../../../protocol/primitives/bytes.ts';
import type { RandomBytes } from '../../../phone/random.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { issueTans } from '../../support/operator.ts';
import { patientKeys } from '../../support/patients.ts';
import type { Served } from '../../federation/served.ts';
import { inParallel } from '../../support/in-parallel.ts';

/** Where somebody was, and what they agreed to. */
type Kind = 'stays' | 'abroad' | 'refuses';

/** How many of whom. */
export type Cast = Readonly<Record<Kind, number>>;

/** Of a region and an hour: enough that a part holds people and decoys. */
const CAST: Cast = { stays: 6, abroad: 6, refuses: 3 };

/** What was really shared: hex of key data. */
export interface Shared {
  readonly region: string;
  readonly consenting: ReadonlySet<string>;
  readonly refusing: ReadonlySet<string>;
}

/** Does a piece of work, again where that makes sense. */
type Persist = <T>(work: () => Promise<T>) => Promise<T>;

/** How people share. */
interface Sharing {
  /** Tries again what a backend that is down can't do; left out: nothing is tried again. */
  readonly persist?: Persist;
  readonly cast?: Cast;
}

/** Requests at once. */
const WIDTH = 4;

/**
 * People test positive, and share.
 *
 * @param member whose people they are
 * @param now Unix seconds on their phones
 * @param random source of bytes
 * @param sharing see {@link Sharing}
 * @returns what they shared, once all of it is durable
 * @throws Error when an upload is refused
 */
export async function share(
  member: Served,
  now: number,
  random: RandomBytes,
  { persist = (work) => work(), cast = CAST }: Sharing = {},
): Promise<Shared> {
  const kinds = Object.entries(cast).flatMap(([kind, count]) => Array.from({ length: count }, () => kind as Kind));
  const tans = await persist(() => issueTans(member.url, kinds.length));
  const [consenting, refusing] = [new Set<string>(), new Set<string>()];
  const { id } = member.plan;
  const jobs = kinds.map((kind, at) => async (): Promise<void> => {
    const keys = patientKeys(random, now);
    const visitedCountries = kind === 'abroad' ? [id, ABROAD[id] ?? id] : [id];
    const content = { keys, visitedCountries, consentToFederation: kind !== 'refuses', submissionType: 0 as const };
    await persist(async () => {
      const answer = await upload(tans[at] ?? '', content, { fetch, baseUrl: member.url, random });
      if (!answer.ok) throw new Error(`${id}: an upload was not taken: ${JSON.stringify(answer.error)}`);
    });
    for (const { keyData } of keys) (kind === 'refuses' ? refusing : consenting).add(toHex(keyData));
  });
  await inParallel(jobs, WIDTH);
  return { region: id, consenting, refusing };
}

/** Whoever was abroad was there; what they name decides nothing but that they travelled (decision 021). */
const ABROAD: Readonly<Record<string, string>> = { DE: 'NL', NL: 'DE', XA: 'DE' };
