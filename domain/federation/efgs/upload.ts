/**
 * @module Uploads to the gateway, a step at a time (docs/spec/europe.md §3.4). The outbox is the caller's (outbox.ts): keys that may leave (local,
 * of people who consented, past their embargo, sealed as a feed's chunks are, so that no small set stands alone), in an order that
 * doesn't change but by new ones at the end. A batch is its first keys, sent in the order of their key data, which is random; its
 * tag is the hash of its content, so the same content has the same tag.
 *
 * First a step plans: it says how many, and under which tag. When that is written down, the next one sends. So a crash, or an
 * answer that was lost, is followed by the same bytes under the same tag:
 *
 * | Answer | Meaning | Next |
 * |---|---|---|
 * | 201 | stored | all are done |
 * | 207 | **nothing** was stored; 409 are there already | those of 409 are done, the others are a new batch, under a new tag |
 * | 409 | the tag is taken: by us, whose answer was lost, or by another | done only if the audit shows our own content (contested.ts) |
 * | 400, 413 | refused whole | half as many; a key that is refused alone is set aside. Nothing is dropped |
 * | 403, 406 | not we, or not so | the same again, and a person looks |
 * | 5xx, none | not known | the same again |
 *
 * Durable: the caller writes `state` in one transaction with taking `settled` out of its outbox. A crash before the plan is
 * written: nothing was sent. After it, or after sending: the same batch is sent, and 409 leads to the audit. Never is a key taken
 * out that the gateway hasn't.
 */
import { type EfgsKey, encodeBatch, PROTOBUF_MEDIA_TYPE, UPLOAD_BATCH_LIMIT } from '../../../protocol/efgs/batch.ts';
import { signBatch } from '../../../protocol/efgs/batch-signature.ts';
import { isValidAt } from '../../../protocol/efgs/certificate.ts';
import { keyFault } from '../../../protocol/efgs/key-rules.ts';
import { batchHash, signingBytes, signingOrder, signingRecord } from '../../../protocol/efgs/signing-bytes.ts';
import { concatBytes, utf8 } from '../../../protocol/primitives/bytes.ts';
import { hourOf } from '../../../protocol/gaen/intervals.ts';
import { type Answer, ask, type Trouble, troubleOf } from './ask.ts';
import { CONTEST_HOURS, type Contest, contestStep } from './contested.ts';
import { keyResults } from './key-results.ts';
import type { UploadPorts } from './ports.ts';

/** What is on its way. */
interface InFlight {
  readonly tag: string;
  /** The outbox's first so many. */
  readonly count: number;
  /** Hour of the plan, since the Unix epoch: where the audit is looked for. */
  readonly hour: number;
  /** After a 409. */
  readonly contest: Contest | null;
}

/** Where we are: small, and plain JSON. */
export interface UploadState {
  readonly inFlight: InFlight | null;
  /** Keys of the next batch, 1..{@link UPLOAD_BATCH_LIMIT}: less after a refusal. */
  readonly limit: number;
  /** How often the same content may have been sent under another tag. */
  readonly attempt: number;
}

/** Before the first step. */
export const UPLOAD_START: UploadState = { inFlight: null, limit: UPLOAD_BATCH_LIMIT, attempt: 0 };

/** Why a key of the outbox is done with. */
type Settlement =
  /** The gateway has it, by this upload or by an earlier one. */
  | 'uploaded'
  /** It breaks a rule of the gateway's: too old by now, most of all. */
  | 'unsendable';

export interface UploadStep {
  readonly state: UploadState;
  /** Places in the outbox, to be taken out in one transaction with {@link state}. */
  readonly settled: ReadonlyMap<number, Settlement>;
  /** A place in the outbox whose key the gateway refuses alone: the caller puts it behind the others. */
  readonly setAside: number | null;
  /** The next step needn't wait for the next poll, not even after this trouble. */
  readonly again: boolean;
  readonly trouble: Trouble | null;
}

const NOTHING = new Map<number, Settlement>();

/**
 * @param state as it was written last; {@link UPLOAD_START} at first
 * @param outbox unsent keys, oldest first; {@link UPLOAD_BATCH_LIMIT} are enough
 */
export async function uploadStep(
  state: UploadState,
  ports: UploadPorts,
  outbox: readonly EfgsKey[],
): Promise<UploadStep> {
  const rest = { settled: NOTHING, setAside: null, trouble: null };
  const unsendable = unsendableIn(outbox.slice(0, UPLOAD_BATCH_LIMIT), ports);
  // The head is another one without them, so what was on its way is sent as another batch; keys that arrived are 409 there.
  if (unsendable.size > 0) return { ...rest, state: { ...state, inFlight: null }, settled: unsendable, again: true };
  const { inFlight } = state;
  if (inFlight === null) return plan(state, ports, outbox);
  const head = outbox.slice(0, inFlight.count);
  if (head.length < inFlight.count || tagOf(head, state.attempt) !== inFlight.tag) {
    // Keys were withdrawn meanwhile.
    return { ...rest, state: { ...state, inFlight: null }, again: outbox.length > 0 };
  }
  return inFlight.contest === null
    ? send(state, inFlight, ports, head)
    : look(state, inFlight, inFlight.contest, ports, head);
}

function unsendableIn(keys: readonly EfgsKey[], { settings, now }: UploadPorts): Map<number, Settlement> {
  const seen = new Set<string>();
  const found = new Map<number, Settlement>();
  for (const [index, key] of keys.entries()) {
    const record = signingRecord(key);
    const twice = seen.has(record);
    seen.add(record);
    if (twice || key.origin !== settings.country || keyFault(key, now()) !== null) found.set(index, 'unsendable');
  }
  return found;
}

/** The hash of the content; another for each further attempt. */
function tagOf(keys: readonly EfgsKey[], attempt: number): string {
  const bytes = signingBytes(keys);
  return batchHash(attempt === 0 ? bytes : concatBytes(bytes, utf8(`#${attempt}`)));
}

function plan(state: UploadState, { now }: UploadPorts, outbox: readonly EfgsKey[]): UploadStep {
  const head = outbox.slice(0, state.limit);
  const rest = { settled: NOTHING, setAside: null, trouble: null };
  if (head.length === 0) return { ...rest, state, again: false };
  const inFlight = { tag: tagOf(head, state.attempt), count: head.length, hour: hourOf(now()), contest: null };
  return { ...rest, state: { ...state, inFlight }, again: true };
}

async function send(
  state: UploadState,
  inFlight: InFlight,
  ports: UploadPorts,
  head: readonly EfgsKey[],
): Promise<UploadStep> {
  const { signer, settings, now } = ports;
  // Known beforehand, so that the gateway's 400 isn't taken for a fault of the keys.
  if (signer.certificate.country !== settings.country || !isValidAt(signer.certificate, now())) {
    return { state, settled: NOTHING, setAside: null, again: false, trouble: { kind: 'protocol', what: 'signer' } };
  }
  const keys = signingOrder(head);
  const answer = await ask(ports, {
    method: 'POST',
    path: '/upload',
    headers: {
      'content-type': PROTOBUF_MEDIA_TYPE,
      batchTag: inFlight.tag,
      batchSignature: signBatch(keys, signer, now()),
    },
    body: encodeBatch(keys),
  });
  switch (answer?.status) {
    case 201:
      return done(state, head);
    case 207:
      return nothingStored(state, answer, keys, head);
    case 409:
      return contested(state, inFlight, ports);
    case 400:
    case 413:
      return smaller(state, head.length, { kind: 'status', status: answer.status });
    default:
      return { state, settled: NOTHING, setAside: null, again: false, trouble: troubleOf(answer) };
  }
}

/** All of the head is there; the next batch may be twice as large again. */
function done({ limit }: UploadState, head: readonly EfgsKey[]): UploadStep {
  return {
    state: { inFlight: null, limit: Math.min(UPLOAD_BATCH_LIMIT, limit * 2), attempt: 0 },
    settled: new Map(head.map((_, index) => [index, 'uploaded'])),
    setAside: null,
    again: true,
    trouble: null,
  };
}

/**
 * 207: those of 409 are there, all others aren't, whatever is said of them: gateways were seen that say 201 of what they took back,
 * and others that say nothing.
 */
function nothingStored(
  state: UploadState,
  answer: Answer,
  sent: readonly EfgsKey[],
  head: readonly EfgsKey[],
): UploadStep {
  const results = keyResults(answer.body, sent.length);
  if (results === null) {
    return { state, settled: NOTHING, setAside: null, again: false, trouble: { kind: 'protocol', what: '207' } };
  }
  const place = new Map(head.map((key, index) => [key, index]));
  const known = results[409].flatMap((index) => place.get(sent[index] as EfgsKey) ?? []);
  const next = { ...state, inFlight: null, attempt: state.attempt + 1 };
  if (results[500].length === 0) {
    return {
      state: next,
      settled: new Map(known.map((at) => [at, 'uploaded'])),
      setAside: null,
      again: true,
      trouble: null,
    };
  }
  return {
    ...smaller(state, head.length, { kind: 'status', status: 207 }),
    settled: new Map(known.map((at) => [at, 'uploaded'])),
  };
}

/** A batch that is refused is halved, until what is wrong with it stands alone and out of the others' way. */
function smaller(state: UploadState, count: number, trouble: Trouble): UploadStep {
  const alone = count === 1;
  return {
    state: { inFlight: null, limit: Math.max(1, Math.floor(count / 2)), attempt: state.attempt + 1 },
    settled: NOTHING,
    setAside: alone ? 0 : null,
    // Halves are tried at once: a dozen requests find one key among 4,000, and the others needn't wait for as many polls.
    again: !alone,
    trouble,
  };
}

function contested(state: UploadState, inFlight: InFlight, { now }: UploadPorts): UploadStep {
  const contest: Contest = { tag: null, untilHour: hourOf(now()) + CONTEST_HOURS };
  return {
    state: { ...state, inFlight: { ...inFlight, contest } },
    settled: NOTHING,
    setAside: null,
    again: true,
    trouble: null,
  };
}

async function look(
  state: UploadState,
  inFlight: InFlight,
  contest: Contest,
  ports: UploadPorts,
  head: readonly EfgsKey[],
): Promise<UploadStep> {
  const looked = await contestStep(contest, inFlight.hour, ports, head);
  switch (looked.kind) {
    case 'ours':
      return done(state, head);
    case 'not-ours':
      // Another's tag: ours is a new one. What arrived nevertheless is 409 there.
      return {
        state: { ...state, inFlight: null, attempt: state.attempt + 1 },
        settled: NOTHING,
        setAside: null,
        again: true,
        trouble: null,
      };
    case 'on': {
      const next = { ...state, inFlight: { ...inFlight, contest: looked.contest } };
      return { state: next, settled: NOTHING, setAside: null, again: looked.again, trouble: looked.trouble };
    }
  }
}
