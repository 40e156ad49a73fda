/**
 * @module How everything that `origin` knew comes back when the storage of its objects is lost (docs/restore.md, decision 039): a call a piece, from the private
 * bucket alone.
 *
 * | piece | durable afterwards | a crash before that leaves |
 * |---|---|---|
 * | known keys | lasting hashes in the buffer, then how far (`restore_hour`) | hashes, written again |
 * | waiting keys | the buffer's rows and its mark | rows, thrown away and made again |
 * | an unlogged record | its rows in the buffer, then its objects deleted | objects, read again; their keys are known to wait |
 * | parameters | ParameterStore's rows | none, made again |
 * | the buffer begins | its marks `begun` and `restored_log` | a buffer that refuses uploads, and waits for the next call |
 * | Publisher | all its rows, with the log's entry | an empty object beside a buffer that says which log it was restored by |
 */
import { ROW_BYTES, rowProvenance, type Provenance } from '../../../domain/publication/packed-keys.ts';
import { openingsOfPart, partKey } from '../../../domain/publication/record.ts';
import type { RestoreFacts, RestoreFinding, RestoreReply, RestoreRequest } from '../../../domain/restore.ts';
import { JOURNAL_KEY, type JournalLabel } from '../../../domain/journal.ts';
import { SEALED_HEADER_BYTES } from '../../../domain/sealed-pages.ts';
import { hourOf } from '../../../protocol/gaen/intervals.ts';
import { fromBase64Url, toBase64Url } from '../../../protocol/primitives/bytes.ts';
import { sha256 } from '../../../protocol/primitives/hash.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../../protocol/withdrawal.ts';
import { spkiFromPem } from '../../../protocol/signing.ts';
import type { JournalFound, RestorePoint, RestorePort } from '../../submission-buffer/contract.ts';
import type { Publication } from '../publication.ts';
import { backlogOf, type Backlog } from './backlog.ts';
import { inventory } from './inventory.ts';
import { readSource, type RestoreSource, type UnloggedSet } from './source.ts';
import { writeState } from './write-state.ts';

/** The object of the parameters, as far as a restore asks it. */
export interface ParametersPort {
  /** @param write false: says only @returns version that is or would be taken up from the public bucket; null: nothing is lost */
  restoreParameters(write: boolean): Promise<number | null>;
  parameterStatus(): Promise<{ readonly version: number }>;
}

/** Objects of records that one call reads: with the buffer's answer a second or two a hundred. */
const OBJECTS_A_CALL = 1_000;
/** Read at once. */
const AT_ONCE = 6;
/** Where the next call goes on: hours before it are known to the buffer. */
const CURSOR = 'restore_hour';

/** A restore from call to call. What it has read stays in memory: nobody else writes while Publisher is empty. */
export class Restore {
  readonly #buffer: RestorePort;
  readonly #parameters: ParametersPort;
  #source: RestoreSource | null = null;

  constructor(buffer: RestorePort, parameters: ParametersPort) {
    this.#buffer = buffer;
    this.#parameters = parameters;
  }

  /**
   * Takes the next piece.
   *
   * @param p of Publisher
   * @throws Error of a bucket or an object; the same call is made again
   */
  async step(p: Publication, request: RestoreRequest): Promise<RestoreReply> {
    const life = await this.#buffer.life();
    if (p.store.meta('first_hour') !== null) {
      if (!life.begun) return refuse('publisher', 'is not empty, and the buffer is: both must be lost');
      return { kind: 'nothing-lost', parameters: await this.#parameters.restoreParameters(request.confirm) };
    }
    const read = await this.#read(p, request);
    if ('kind' in read) return read;
    const { state, unlogged } = read;
    if (life.begun && life.restoredLog !== state.log.sequence) {
      return refuse('buffer', 'is not empty, and publisher is: both must be lost');
    }
    const journal = await this.#journal(p, request, life.begun);
    if (journal !== null && 'kind' in journal) return journal;
    const { parameters } = state.log.fold;
    const taken =
      (await this.#parameters.restoreParameters(false)) ?? (await this.#parameters.parameterStatus()).version;
    if (taken < parameters) {
      const what = taken === 0 ? 'is not there' : `is version ${taken}`;
      return refuse('v1/config/head.json', `${what}, and version ${parameters} was published`);
    }
    const facts = factsOf(p, read, journal);
    if (!request.confirm) return { kind: 'would-restore', facts };
    const numbers = [state.log.fold.counts['recorded'] ?? 0, journal?.newestSet ?? 0];
    // Before anything was recorded, a set of the journal is given up: its rows wait again, and the first set is the first.
    const lastSet =
      state.recordedHour === null ? 0 : Math.max(...numbers, ...state.hours.map(({ record }) => record?.setNo ?? 0));
    if (!life.begun) {
      const known = await this.#knownKeys(p, read);
      if (known !== null) return known;
      const { recordedHour: lastHour, covered, firstHour } = state;
      const point: RestorePoint = { lastSet, lastHour, covered, firstHour };
      const secret = journal === null ? null : secretOf(request);
      await this.#buffer.restoreStep({ kind: 'waiting', secret, point });
      for (const set of unlogged) await this.#unlogged(p, set);
      await p.privateBucket.delete(read.unloggedObjects);
    }
    await this.#parameters.restoreParameters(true);
    const { version } = await this.#parameters.parameterStatus();
    if (!life.begun) await this.#buffer.restoreStep({ kind: 'begin', log: state.log.sequence });
    await this.#publisher(p, read, { lastSet, journalHour: journal?.hour ?? null });
    this.#source = null;
    return { kind: 'restored', facts, parameters: version };
  }

  async #read(p: Publication, { logKeys }: RestoreRequest): Promise<RestoreSource | RestoreReply> {
    if (this.#source !== null) return this.#source;
    const keys: Uint8Array[] = [p.config.logPublicKey];
    try {
      keys.push(...logKeys.map((pem) => spkiFromPem(pem)));
    } catch {
      return refuse('log key', 'is no SPKI PEM of a P-256 key');
    }
    const read = await readSource(p, p.config, keys);
    if (!read.ok) return { kind: 'refused', findings: read.error };
    return (this.#source = read.value);
  }

  /** @returns what the journal says, null when it is left out, or why the restore can't go on */
  async #journal(
    p: Publication,
    request: RestoreRequest,
    isWaiting: boolean,
  ): Promise<JournalFound | RestoreReply | null> {
    if (request.withoutJournal) return null;
    const header = await p.privateBucket.getStart(JOURNAL_KEY, SEALED_HEADER_BYTES);
    if (header === null) return refuse(JOURNAL_KEY, 'is not there: what waited is lost; --without-journal goes on');
    const secret = secretOf(request);
    if (secret === null) return { kind: 'needs-secret', journalHeader: toBase64Url(header) };
    const read = await this.#buffer.readJournal(secret);
    if (read.ok) return read.value;
    // The buffer has begun again, and has written a journal of its own.
    return isWaiting ? null : refuse(JOURNAL_KEY, read.error);
  }

  /** @returns how far it is, why it can't go on, or null when all are known */
  async #knownKeys(p: Publication, { report, state }: RestoreSource): Promise<RestoreReply | null> {
    const from = p.store.meta(CURSOR) ?? 0;
    const all = state.hours.flatMap(({ hour, record }) => {
      const names = (record?.parts ?? []).map((part) => partKey(hour, part)).filter((name) => report.objects.has(name));
      return names.length === 0 ? [] : [{ hour, names }];
    });
    const total = all.reduce((sum, { names }) => sum + names.length, 0);
    let done = 0;
    let read = 0;
    for (const { hour, names } of all) {
      if (hour >= from) {
        if (read >= OBJECTS_A_CALL) return { kind: 'going-on', phase: 'known keys', done, total };
        for (let at = 0; at < names.length; at += AT_ONCE) {
          const part = names.slice(at, at + AT_ONCE);
          const objects = part.flatMap((name) => [name, openingsOfPart(name)]);
          const recorded = objects.filter((name) => report.objects.has(name));
          const found = new Map<string, Uint8Array>();
          await Promise.all(
            recorded.map(async (name) => {
              const bytes = await p.privateBucket.get(name);
              if (bytes !== null) found.set(name, bytes);
            }),
          );
          for (const name of recorded) {
            const bytes = found.get(name);
            if (bytes === undefined) return refuse(name, 'is recorded and not there');
            if (toBase64Url(sha256(bytes)) !== report.objects.get(name)!.sha256) {
              return refuse(name, 'is not what was recorded');
            }
          }
          for (const name of part) {
            const openings = found.get(openingsOfPart(name)) ?? null;
            await this.#buffer.restoreStep({ kind: 'known', rows: found.get(name)!, openings });
          }
        }
        read += names.length;
        p.store.setMeta(CURSOR, hour + 1);
      }
      done += names.length;
    }
    return null;
  }

  async #unlogged(p: Publication, { hour, parts, provenances }: UnloggedSet): Promise<void> {
    const home: Provenance = {
      regions: [p.config.regions[0]!],
      consentToFederation: false,
      origin: p.config.regions[0]!,
      synthetic: false,
    };
    // Which code or source a key came by lies apart, for the holders of another key: these keys can't be taken back by it.
    const labelOf = (about: Provenance): JournalLabel => ({ ...about, issueId: null });
    const known = Object.entries(provenances ?? {}).map(([id, about]) => [id, labelOf(about)] as const);
    for (const name of parts) {
      const rows = await p.privateBucket.get(name);
      if (rows === null) continue;
      // What the journal has, has its label by now; of what came after it, less is said rather than nothing published.
      const labels = provenances === null ? labelsFor(rows, labelOf(home)) : Object.fromEntries(known);
      const hashes = await p.privateBucket.get(openingsOfPart(name));
      // Of before they were put, or cut off before: then nobody can take these keys back.
      const isWhole = hashes?.length === (rows.length / ROW_BYTES) * WITHDRAWAL_HASH_BYTES;
      const openings = isWhole ? hashes : null;
      await this.#buffer.restoreStep({ kind: 'unlogged', found: { hour, rows, openings, labels } });
    }
  }

  async #publisher(
    p: Publication,
    { state, requests, foreignHeads }: RestoreSource,
    { lastSet, journalHour }: { readonly lastSet: number; readonly journalHour: number | null },
  ): Promise<void> {
    const objects = (await inventory(p.publicBucket, state, p.config.regions)).map((object) =>
      foreignHeads.has(object.key) ? { ...object, mark: '' } : object,
    );
    const backlogs = new Map<string, Backlog[]>();
    for (const region of p.config.regions) {
      const written = state.regionHours.filter((hour) => hour.region === region);
      backlogs.set(region, await backlogOf(p, region, written, state.hours, state.loggedDay ?? -1));
    }
    writeState(p, state, { objects, backlogs, requests, lastSet, hour: hourOf(p.now), journalHour });
  }
}

/** @returns one label for every number that rows name */
function labelsFor(rows: Uint8Array, label: JournalLabel): Record<number, JournalLabel> {
  const labels: Record<number, JournalLabel> = {};
  for (let at = 0; at < rows.length; at += ROW_BYTES) labels[rowProvenance(rows, at)] = label;
  return labels;
}

function refuse(object: string, what: string): RestoreReply {
  const finding: RestoreFinding = { object, what };
  return { kind: 'refused', findings: [finding] };
}

function secretOf({ journalSecret }: RestoreRequest): Uint8Array | null {
  return journalSecret === null ? null : fromBase64Url(journalSecret);
}

function factsOf(
  { config }: Publication,
  { report, state, unlogged }: RestoreSource,
  journal: JournalFound | null,
): RestoreFacts {
  const alive = (hour: number, part: { readonly day: number; readonly n: number }): boolean =>
    report.objects.has(partKey(hour, part));
  const knownKeys = state.hours.reduce(
    (sum, { hour, record }) =>
      sum + (record?.parts ?? []).reduce((n, part) => n + (alive(hour, part) ? part.rows : 0), 0),
    0,
  );
  return {
    regions: config.regions.map((region) => {
      const { sequence = 0, hour = null } = state.log.fold.regions[region] ?? {};
      return { region, sequence, hour };
    }),
    recordedHour: state.recordedHour,
    knownKeys,
    journal: journal === null ? null : { hour: journal.hour, keys: journal.rows },
    unloggedKeys: unlogged.reduce((sum, { keys }) => sum + keys, 0),
  };
}
