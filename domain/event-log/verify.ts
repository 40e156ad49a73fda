/**
 * @module Whether a log is whole (docs/event-log.md): every entry signed, none altered, missing or doubled, each after the one before it, and every
 * checkpoint the fold of what was before it.
 */
import { EMPTY_LOG, foldError, foldEvent, purgeHash } from './chain.ts';
import { logKey, type EventOf, type Fold, type RecordObject } from './entry.ts';
import { readEntry, type LogFinding, type ReadEntry } from './read-entry.ts';

/** An object of the folder `log/`. */
export interface LogObject {
  readonly name: string;
  readonly text: string;
}

export interface LogReport {
  /** Good entries, ascending. */
  readonly entries: readonly ReadEntry[];
  readonly findings: readonly LogFinding[];
  /** What the log says lies in the private bucket of records, by name. */
  readonly objects: ReadonlyMap<string, RecordObject>;
  /** Of all entries; null where one is missing since the last checkpoint. */
  readonly fold: Fold | null;
  /** Entries before this sequence may be gone, but for checkpoints. */
  readonly keptFrom: number;
}

/** An object of a record lives so many days at most after its hour: 14 of retention, one of the key's and one of the hour's own. */
const MOST_DAYS_OF_A_RECORD = 16;

/**
 * @param objects of the folder `log/`, in any order
 * @param keys SubjectPublicKeyInfo of the log's keys
 * @returns the entries, and everything that is wrong with them
 */
export function verifyLog(objects: readonly LogObject[], keys: readonly Uint8Array[]): LogReport {
  const findings: LogFinding[] = [];
  const entries: ReadEntry[] = [];
  for (const { name, text } of objects.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const read = readEntry(name, text, keys);
    if ('rule' in read) findings.push(asDoubled(read, objects));
    else entries.push(read);
  }
  const last = entries.findLast(({ entry }) => entry.event.kind === 'checkpoint')?.entry.event;
  const keptFrom = last?.kind === 'checkpoint' ? last.keptFrom : 1;
  findings.push(...missing(entries, keptFrom, objects), ...chainFindings(entries));
  const { fold, alive, findings: folded } = foldFindings(entries, keptFrom);
  return { entries, findings: [...findings, ...folded], objects: alive, fold, keptFrom };
}

/** An entry under another's name is a copy when its own name is there too. */
function asDoubled(finding: LogFinding, objects: readonly LogObject[]): LogFinding {
  if (finding.rule !== 'sequence') return finding;
  const own = logKey(Number(/\d+$/.exec(finding.what)?.[0] ?? 0));
  if (!objects.some(({ name }) => name === own)) return finding;
  return { ...finding, rule: 'doubled', what: `is ${own} once more` };
}

/** Of the entries that must be there, those that are not, a finding for a run of them; objects that are no good entry are told of already. */
function missing(entries: readonly ReadEntry[], keptFrom: number, objects: readonly LogObject[]): LogFinding[] {
  const there = new Set(objects.map(({ name }) => name));
  const findings: LogFinding[] = [];
  const newest = entries.at(-1)?.entry.sequence ?? 0;
  for (let first = keptFrom; first <= newest; first++) {
    let last = first;
    while (last <= newest && !there.has(logKey(last))) last++;
    if (last === first) continue;
    const what = last === first + 1 ? 'is not there' : `is not there, nor what follows up to ${logKey(last - 1)}`;
    findings.push({ rule: 'missing', object: logKey(first), what });
    first = last;
  }
  return findings;
}

function chainFindings(entries: readonly ReadEntry[]): LogFinding[] {
  const findings: LogFinding[] = [];
  let before: ReadEntry | null = null;
  let point: ReadEntry | null = null;
  for (const read of entries) {
    const { object, entry } = read;
    const follows = before?.entry.sequence === entry.sequence - 1 || entry.sequence === 1;
    if (follows && entry.previous !== (before?.sha256 ?? null)) {
      const what =
        entry.sequence === 1 ? 'is the first and names one before it' : 'does not follow the entry before it';
      findings.push({ rule: 'chain', object, what });
    }
    if (entry.event.kind === 'checkpoint') {
      const { former } = entry.event;
      const expected = point === null ? null : { sequence: point.entry.sequence, sha256: point.sha256 };
      if (former?.sequence !== expected?.sequence || former?.sha256 !== expected?.sha256) {
        const what = `names checkpoint ${former?.sequence ?? 'none'} before it, and ${expected?.sequence ?? 'none'} is there`;
        findings.push({ rule: 'checkpoint', object, what });
      }
      point = read;
    }
    before = read;
  }
  return findings;
}

/** Plays the entries that are kept, from the checkpoint before them on. */
function foldFindings(entries: readonly ReadEntry[], keptFrom: number) {
  const findings: LogFinding[] = [];
  const alive = new Map<string, RecordObject>();
  // Not known where an entry is missing, until the next checkpoint says it.
  let fold: Fold | null = keptFrom === 1 ? EMPTY_LOG.fold : null;
  let next = keptFrom;
  let since: number | null = keptFrom === 1 ? -Infinity : null;
  for (const { object, entry } of entries) {
    if (entry.sequence < keptFrom) continue;
    if (entry.sequence !== next) [fold, since] = [null, null];
    next = entry.sequence + 1;
    const { event } = entry;
    if (event.kind === 'checkpoint') {
      if (fold !== null && canonical(fold) !== canonical(event.fold)) {
        findings.push({ rule: 'fold', object, what: 'is not the fold of the entries before it' });
      }
      since ??= event.day;
      fold = event.fold;
    } else if (fold !== null) {
      const error = foldError(fold, event);
      if (error !== null) findings.push({ rule: 'order', object, what: `${error.rule}: expected ${error.expected}` });
    }
    if (event.kind === 'recorded' || event.kind === 'taken') {
      for (const one of event.objects) alive.set(one.name, one);
    }
    if (
      event.kind === 'purge' &&
      !isPurge(event, alive) &&
      since !== null &&
      since <= event.day - MOST_DAYS_OF_A_RECORD
    ) {
      findings.push({ rule: 'purge', object, what: 'is not of the objects that had to go by then' });
    }
    fold = fold === null ? null : foldEvent(fold, event);
  }
  return { fold, alive, findings };
}

/** Takes what goes out of `alive`. @returns whether the purge says the same */
function isPurge(event: EventOf<'purge'>, alive: Map<string, RecordObject>): boolean {
  const gone = [...alive.values()].filter(({ until }) => until <= event.day);
  for (const { name } of gone) alive.delete(name);
  return gone.length === event.objects && purgeHash(gone.map(({ sha256 }) => sha256)) === event.sha256;
}

/** @returns JSON with names in order */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/**
 * Compares the objects of records with what the log says of them.
 *
 * @param report of the log
 * @param hashes name → base64url of SHA-256 of each object under `sets/`, `issues/`, `quarantine/` and `taken/`, but for requests
 * @returns what is missing, altered, or not known to the log; an hour that is being recorded isn't in the log yet
 */
export function verifyObjects(report: LogReport, hashes: ReadonlyMap<string, string>): LogFinding[] {
  const findings: LogFinding[] = [];
  for (const [object, { sha256 }] of report.objects) {
    const found = hashes.get(object);
    if (found === undefined) findings.push({ rule: 'object-missing', object, what: 'is recorded and not there' });
    else if (found !== sha256) findings.push({ rule: 'object-altered', object, what: 'is not what was recorded' });
  }
  const through = report.fold?.recordedHour ?? Infinity;
  for (const object of hashes.keys()) {
    const hour = Number(object.split('/')[1]);
    if (report.objects.has(object) || hour > through) continue;
    findings.push({ rule: 'object-unknown', object, what: 'is not recorded, or should be gone' });
  }
  return findings;
}
