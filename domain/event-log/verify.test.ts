import { describe, it } from 'vitest';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { appendEvent, EMPTY_LOG, purgeHash, type LogHead } from './chain.ts';
import { logKey, sequenceOfKey, type Fold, type LogEvent, type RecordObject } from './entry.ts';
import { verifyLog, verifyObjects, type LogObject } from './verify.ts';

const key = (label: string) => signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8(label))));
const KEY = key('log key of the tests');
const STRANGER = key('somebody else');
const name = (text: string): string => toBase64Url(sha256(utf8(text)));
const DAY = 20_600;
/** Midnights that pass, and with the first of them entries are kept from the start. */
const DAYS = 4;

/** Hours of this log follow one another, two a day. */
const hourOf = (day: number, n: number): number => 22 * DAY + 2 * day + n;
const objectOf = (hour: number): RecordObject => {
  const until = Math.floor((hour - 22 * DAY) / 2) + 2;
  return { name: `sets/${hour}/${until}-0.bin`, sha256: name(`record ${hour}`), until };
};
const recorded = (hour: number): LogEvent => ({
  kind: 'recorded',
  hour,
  decision: 'publish',
  keys: 14,
  objects: [objectOf(hour)],
});
const published = (hour: number, fold: Fold): LogEvent => ({
  kind: 'published',
  region: 'DE',
  hour,
  sequence: (fold.regions['DE']?.sequence ?? 0) + 1,
  previous: fold.regions['DE']?.payloadSha256 ?? null,
  payloadSha256: name(`head ${hour}`),
  head: { key: 'manifest-v1', signature: name('a signature') },
  regions: ['DE'],
  unionRegion: 'EUR',
  retentionDays: 14,
  hours: [hour],
  days: [],
});

/** A log with two hours a day, a midnight after each day: 3 and then 4 entries a day, and the region's. */
class Log {
  readonly objects: LogObject[] = [];
  readonly alive: RecordObject[] = [];
  readonly points: { day: number; sequence: number; sha256: string }[] = [];
  head: LogHead = EMPTY_LOG;

  append(event: LogEvent, signer = KEY.raw): void {
    const { text, head } = appendEvent(this.head, event, 'log-v1', signer);
    this.head = head;
    this.objects.push({ name: logKey(head.sequence), text });
  }

  day(day: number): void {
    for (const hour of [hourOf(day, 0), hourOf(day, 1)]) {
      this.append(recorded(hour));
      this.alive.push(objectOf(hour));
      this.append(published(hour, this.head.fold));
    }
  }

  midnight(day: number, oldest: number): void {
    const gone = this.alive.filter(({ until }) => until <= day);
    this.alive.splice(0, gone.length);
    if (gone.length > 0) {
      this.append({ kind: 'purge', day, objects: gone.length, sha256: purgeHash(gone.map(({ sha256: one }) => one)) });
    }
    const former = this.points.at(-1);
    const keptFrom = this.points.findLast((point) => point.day <= oldest)?.sequence ?? 1;
    this.append({
      kind: 'checkpoint',
      day,
      fold: this.head.fold,
      former: former === undefined ? null : { sequence: former.sequence, sha256: former.sha256 },
      keptFrom,
    });
    this.points.push({ day, sequence: this.head.sequence, sha256: this.head.sha256! });
  }
}

/** Signing and verifying are most of what these tests take. */
const told = new Map<number, Log>();

function story(oldest = 0): Log {
  const once = told.get(oldest) ?? tell(oldest);
  told.set(oldest, once);
  const copy = new Log();
  copy.objects.push(...once.objects);
  copy.alive.push(...once.alive);
  copy.points.push(...once.points);
  copy.head = once.head;
  return copy;
}

function tell(oldest: number): Log {
  const log = new Log();
  log.append({ kind: 'region', region: 'DE', hour: 24 * DAY });
  log.append({ kind: 'parameters', hour: 24 * DAY, version: 1, action: 'publish', documents: [name('document')] });
  for (let n = 0; n < DAYS; n++) {
    log.day(DAY + n);
    log.midnight(DAY + n + 1, oldest);
  }
  return log;
}

const judge = (objects: readonly LogObject[], keys = [KEY.publicKeySpki]) =>
  verifyLog(objects, keys).findings.map(({ rule, object }) => `${rule} ${sequenceOfKey(object) ?? object}`);

describe('a log', () => {
  it('is whole in whatever order its objects come, and says what is left of the records', ({ expect }) => {
    const { objects, head, alive } = story();
    const report = verifyLog(objects.toReversed(), [KEY.publicKeySpki]);
    expect(report.findings).toEqual([]);
    expect(report.entries).toHaveLength(objects.length);
    expect(report.fold).toEqual(head.fold);
    expect([...report.objects.values()]).toEqual(alive);
  });

  it('still verifies when the entries before a checkpoint are gone', ({ expect }) => {
    const { objects, points } = story(DAY + 2);
    const kept = points[1]!.sequence;
    const checkpoints = new Set(points.map(({ sequence }) => logKey(sequence)));
    const left = objects.filter(({ name: object }) => object >= logKey(kept) || checkpoints.has(object));
    expect(left.length).toBeLessThan(objects.length);
    const report = verifyLog(left, [KEY.publicKeySpki]);
    expect([report.findings, report.keptFrom]).toEqual([[], kept]);
    // One more that is gone is missed, a checkpoint before them too.
    expect(judge(left.filter(({ name: object }) => object !== logKey(kept + 1)))).toEqual([`missing ${kept + 1}`]);
    expect(judge(left.slice(1))).toEqual([`checkpoint ${kept}`]);
  });

  it('of before is whole: a withdrawal that says how many rows, and one that doesn’t', ({ expect }) => {
    const log = story();
    log.append({ kind: 'withdrawal', hour: 24 * DAY, rows: 4, sha256: name('rows without a salt') });
    log.append({ kind: 'withdrawal', hour: 24 * DAY, sha256: name('rows with a salt') });
    expect(judge(log.objects)).toEqual([]);
  });

  it('by a key that was changed is read with both', ({ expect }) => {
    const log = story();
    log.append(recorded(log.head.fold.recordedHour! + 1), STRANGER.raw);
    const last = log.head.sequence;
    expect(judge(log.objects)).toEqual([`signature ${last}`]);
    expect(judge(log.objects, [KEY.publicKeySpki, STRANGER.publicKeySpki])).toEqual([]);
  });
});

describe('damage', () => {
  const { objects } = story();
  const changed = (sequence: number, change: (text: string) => string): LogObject[] =>
    objects.map((object) => (object.name === logKey(sequence) ? { ...object, text: change(object.text) } : object));

  it.for([1, 3, 7, objects.length])('entry %i altered, missing or doubled is named', (sequence, { expect }) => {
    const altered = judge(changed(sequence, (text) => text.replace('\\"sequence\\":', '\\"sequence\\": ')));
    expect(altered[0]).toBe(`signature ${sequence}`);
    const missing = judge(objects.filter(({ name: object }) => object !== logKey(sequence)));
    // What was cut off the end can't be seen in the log itself.
    if (sequence < objects.length) expect(missing[0]).toBe(`missing ${sequence}`);
    else expect(missing).toEqual([]);
    const copy = { ...objects[sequence - 1]!, name: logKey(objects.length + 1) };
    expect(judge([...objects, copy])).toEqual([`doubled ${objects.length + 1}`]);
  });

  it('a run of entries that are gone is one finding', ({ expect }) => {
    const { findings } = verifyLog(objects.toSpliced(2, 3), [KEY.publicKeySpki]);
    expect(findings).toEqual([
      { rule: 'missing', object: logKey(3), what: `is not there, nor what follows up to ${logKey(5)}` },
    ]);
  });

  it.for([
    ['two entries in each other’s place', [objects[4]!.text, objects[3]!.text], ['sequence 4', 'sequence 5']],
    ['no JSON', ['{'], ['document 4']],
    ['another kind of document', [objects[3]!.text.replace('event-log', 'manifest')], ['document 4']],
  ] as const)('%s', ([, texts, expected], { expect }) => {
    const given = objects.map((object, i) => ({ ...object, text: texts[i - 3] ?? object.text }));
    const found = judge(given).map((finding) => finding.replace('doubled', 'sequence'));
    expect(found).toEqual(expected);
  });

  it('a name that is none of an entry', ({ expect }) => {
    expect(judge([...objects, { name: 'log/notes.txt', text: '' }])).toEqual(['name log/notes.txt']);
  });
});

describe('an entry that our own key signed', () => {
  const rewrite = (event: LogEvent): Log => {
    const log = story();
    log.append(event);
    return log;
  };
  const last = story().head;
  const next = last.fold.recordedHour! + 1;

  it.for<readonly [string, LogEvent, string]>([
    ['an hour that was recorded already', recorded(next - 1), 'order'],
    ['an hour that was left out', recorded(next + 1), 'order'],
    ['a head twice', { ...published(next, last.fold), sequence: 8 } as LogEvent, 'order'],
    ['a head after another', { ...published(next, last.fold), previous: name('another') } as LogEvent, 'order'],
    ['a region that was not added', { ...published(next, last.fold), region: 'FR' } as LogEvent, 'order'],
    ['a region again', { kind: 'region', region: 'DE', hour: next }, 'order'],
    ['parameters again', { kind: 'parameters', hour: next, version: 1, action: 'publish', documents: [] }, 'order'],
    ['a purge of what stays', { kind: 'purge', day: DAY + 5, objects: 1, sha256: name('x') }, 'purge'],
    [
      'a fold of something else',
      { kind: 'checkpoint', day: DAY + 5, fold: EMPTY_LOG.fold, former: null, keptFrom: 1 },
      'checkpoint',
    ],
  ])('and that says %s', ([, event, rule], { expect }) => {
    const log = rewrite(event);
    const findings = judge(log.objects);
    expect(findings[0]).toBe(`${rule} ${log.head.sequence}`);
    if (rule === 'checkpoint') expect(findings[1]).toBe(`fold ${log.head.sequence}`);
  });

  it('of another chain is no part of this one', ({ expect }) => {
    const other = new Log();
    other.append({ kind: 'region', region: 'EUR', hour: 1 });
    const { objects } = story();
    expect(judge([other.objects[0]!, ...objects.slice(1)])).toContain('chain 2');
  });
});

describe('records', () => {
  it('that are missing, altered or unknown are named; one that is being written isn’t known yet', ({ expect }) => {
    const log = story();
    const report = verifyLog(log.objects, [KEY.publicKeySpki]);
    const hashes = new Map(log.alive.map(({ name: object, sha256: hash }) => [object, hash]));
    expect(verifyObjects(report, hashes)).toEqual([]);
    const [first, second] = log.alive;
    hashes.delete(first!.name);
    hashes.set(second!.name, name('other bytes'));
    hashes.set(`sets/${report.fold!.recordedHour!}/1-0.bin`, name('stray'));
    hashes.set(`sets/${report.fold!.recordedHour! + 1}/1-0.bin`, name('in the making'));
    expect(verifyObjects(report, hashes).map(({ rule }) => rule)).toEqual([
      'object-missing',
      'object-altered',
      'object-unknown',
    ]);
  });
});
