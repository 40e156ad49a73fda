/**
 * @module An upload under a TAN: the rules with a clock, then the retry protocol (store.ts), and what Corona-Warn-App's phones hear of how it ended.
 */
import type { UploadDigests } from '../../../domain/keys/digest.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../../domain/keys/limits.ts';
import { regionsOf } from '../../../domain/keys/regions.ts';
import type { CheckedUpload } from '../../../domain/keys/uploaded.ts';
import { publishableKeys, recognisableKeys, type Publishable } from '../../../domain/keys/validate.ts';
import type { IntakeRpc } from '../../../domain/rpc.ts';
import { storeUpload, type StorePorts } from '../store.ts';
import type { Outcome } from './outcome.ts';

/** The neighbours, and the time that the clock rules look at. */
export interface TanUploadPorts extends StorePorts {
  /** Unix seconds. */
  readonly now: () => number | Promise<number>;
  /** Countries that the published parameters name; asked only for somebody who names another than the home country. */
  readonly supportedCountries: () => Promise<readonly string[]>;
}

/** An upload that passed every rule without a clock, and its authorisation. */
export interface TanUpload extends UploadDigests {
  /** Canonical spelling, MAC checked. */
  readonly tan: string;
  readonly upload: CheckedUpload;
  /** ISO 3166-1 alpha-2. */
  readonly origin: string;
}

const STORED: Outcome = { kind: 'stored' };

/**
 * Stores an upload, at most once, and uses up its TAN if and only if something was stored.
 *
 * @param ports see {@link TanUploadPorts}
 * @param authorised see {@link TanUpload}
 * @returns how it ended
 * @throws whatever an RPC throws before keys are durable: the TAN is unburned then, and the phone may retry
 */
export async function storeTanUpload(ports: TanUploadPorts, authorised: TanUpload): Promise<Outcome> {
  const { tan, upload, origin, ...digests } = authorised;
  const now = await ports.now();
  const publishable = publishableKeys(upload.keys, now);
  const { visitedCountries, consentToFederation } = upload;
  const regions = await regionsOf(visitedCountries, origin, ports.supportedCountries);
  // Where a rule refuses what is left, none of it may be stored: then nothing is left to publish.
  const keys = publishable.refused === null ? publishable.keys : [];
  const authorisation = { kind: 'tan', tan } as const;
  const stored = await storeUpload(ports, {
    ...digests,
    authorisation,
    keys,
    regions,
    consentToFederation,
    origin,
  });
  switch (stored.kind) {
    case 'stored':
    case 'known':
      return STORED;
    case 'used':
      return publishable.refused ?? answerOfUsedTan(ports.intake, upload, now);
    case 'nothing-left':
      return publishable.refused ?? answerOfNothing(publishable);
    case 'publish-refused': // of certificates alone
    case 'try-later':
      return { kind: 'try-later' };
    case 'unauthorised':
      return stored;
  }
}

/**
 * The TAN was used, and nobody remembers for which keys.
 *
 * @returns stored if `origin` knows some of these keys and nothing here can be news: then it is these keys that came, or as good
 */
async function answerOfUsedTan(intake: IntakeRpc, { keys }: CheckedUpload, now: number): Promise<Outcome> {
  const asked = recognisableKeys(keys, now).slice(0, MAX_KEYS_PER_UPLOAD);
  const standings = asked.length === 0 ? [] : await intake.known(asked.map(({ key }) => key));
  const isNews = asked.some(({ mustBeKnown }, n) => mustBeKnown && standings[n] === 'new');
  return !isNews && standings.includes('known') ? STORED : { kind: 'unauthorised' };
}

function answerOfNothing({ dropped }: Publishable): Outcome {
  const all = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return dropped['future-start'] === all ? { kind: 'clock-wrong' } : STORED;
}
