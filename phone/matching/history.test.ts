import { describe, it } from 'vitest';
import { REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { aem, aemk, rpi, rpik } from '../../protocol/gaen/rpi.ts';
import type { Sighting } from '../radio/sighting.ts';
import { fromStateText, toStateText } from '../store.ts';
import { ExposureHistory, isHistorySnapshot } from './history.ts';
import { encodeMetadata } from './metadata.ts';

const { CONFIRMED_TEST, CONFIRMED_CLINICAL_DIAGNOSIS, SELF_REPORT, REVOKED, RECURSIVE } = REPORT_TYPE;
const START = 2_653_344;
const TEK = new Uint8Array(16).fill(9);

const key = (reportType: ReportType, rollingPeriod = 144): TemporaryExposureKey => ({
  keyData: TEK,
  transmissionRiskLevel: 5,
  rollingStartIntervalNumber: START,
  rollingPeriod,
  reportType,
  daysSinceOnsetOfSymptoms: 0,
});

function heard(at: number): Sighting {
  const identifier = rpi(rpik(TEK), START + at);
  const metadata = encodeMetadata({ majorVersion: 1, minorVersion: 1, calibrationConfidence: 3, txPower: 8 });
  return {
    rpi: identifier,
    aem: aem(aemk(TEK), identifier, metadata),
    timestamp: (START + at) * 600,
    rssi: -60,
    previousScan: 0,
  };
}

/** Report types an app sees after the files, each given as its `keys` and `revised_keys`. */
function seen(history: ExposureHistory, ...files: [ReportType[], ReportType[]][]): number[] {
  for (const [keys, revised] of files) {
    history.provide(
      keys.map((type) => key(type)),
      revised.map((type) => key(type)),
      [heard(3)],
    );
  }
  return history.matches().map((match) => match.key.reportType);
}

describe('report type transitions (docs/spec/gaen.md §6.4)', () => {
  const cases: { name: string; files: [ReportType[], ReportType[]][]; sees: number[] }[] = [
    { name: 'REVOKED in keys is never returned', files: [[[REVOKED], []]], sees: [] },
    {
      name: 'a REVOKED key blocks the same key later',
      files: [
        [[REVOKED], []],
        [[CONFIRMED_TEST], []],
      ],
      sees: [],
    },
    {
      name: 'RECURSIVE is not even stored',
      files: [
        [[RECURSIVE], []],
        [[CONFIRMED_TEST], []],
      ],
      sees: [CONFIRMED_TEST],
    },
    {
      name: 'a key is matched once',
      files: [
        [[CONFIRMED_TEST], []],
        [[CONFIRMED_TEST], []],
      ],
      sees: [CONFIRMED_TEST],
    },
    {
      name: 'clinical may become a test',
      files: [[[CONFIRMED_CLINICAL_DIAGNOSIS], [CONFIRMED_TEST]]],
      sees: [CONFIRMED_TEST],
    },
    {
      name: 'a self-report may become a diagnosis',
      files: [
        [[SELF_REPORT], []],
        [[], [CONFIRMED_CLINICAL_DIAGNOSIS]],
      ],
      sees: [CONFIRMED_CLINICAL_DIAGNOSIS],
    },
    {
      name: 'revised REVOKED hides a clinical key',
      files: [
        [[CONFIRMED_CLINICAL_DIAGNOSIS], []],
        [[], [REVOKED]],
      ],
      sees: [],
    },
    { name: 'a test may not become a self-report', files: [[[CONFIRMED_TEST], [SELF_REPORT]]], sees: [CONFIRMED_TEST] },
    {
      name: 'a second transition is ignored',
      files: [
        [[SELF_REPORT], [CONFIRMED_CLINICAL_DIAGNOSIS]],
        [[], [REVOKED]],
      ],
      sees: [CONFIRMED_CLINICAL_DIAGNOSIS],
    },
    {
      name: 'Android keeps a confirmed test that is revoked',
      files: [
        [[CONFIRMED_TEST], []],
        [[], [REVOKED]],
      ],
      sees: [CONFIRMED_TEST],
    },
    {
      name: 'a revised key that was never seen is matched anew',
      files: [[[], [CONFIRMED_TEST]]],
      sees: [CONFIRMED_TEST],
    },
  ];
  it.for(cases)('$name', ({ files, sees }, { expect }) => {
    expect(seen(new ExposureHistory(), ...files)).toEqual(sees);
  });

  it('with our policy, revised REVOKED hides any key, but REVOKED in keys does not', ({ expect }) => {
    const history = (): ExposureHistory => new ExposureHistory({}, { revokeConfirmed: true });
    expect(seen(history(), [[CONFIRMED_TEST], []], [[], [REVOKED]])).toEqual([]);
    expect(seen(history(), [[SELF_REPORT], [CONFIRMED_TEST]], [[], [REVOKED]])).toEqual([]);
    expect(seen(history(), [[CONFIRMED_TEST], []], [[REVOKED], []])).toEqual([CONFIRMED_TEST]);
  });
});

describe('what is taken back', () => {
  const OURS = { revokeConfirmed: true };
  it('isn’t had by a list that said something of it before, for who had not the key then', ({ expect }) => {
    expect(seen(new ExposureHistory({}, OURS), [[], [CONFIRMED_TEST]])).toEqual([]);
    expect(seen(new ExposureHistory({}, OURS), [[SELF_REPORT], []], [[], [CONFIRMED_TEST]])).toEqual([CONFIRMED_TEST]);
  });

  it('comes back by no file, whichever came first', ({ expect }) => {
    const later = new ExposureHistory({}, OURS);
    expect(seen(later, [[CONFIRMED_TEST], []], [[], [REVOKED]], [[CONFIRMED_TEST], [CONFIRMED_TEST]])).toEqual([]);
    const first = new ExposureHistory({}, OURS);
    expect(seen(first, [[], [REVOKED]], [[CONFIRMED_TEST], []])).toEqual([]);
    expect(seen(new ExposureHistory(), [[], [REVOKED]], [[CONFIRMED_TEST], []])).toEqual([]);
  });

  it('is told to whom it was told of before, once', ({ expect }) => {
    const history = new ExposureHistory({}, OURS);
    seen(history, [[CONFIRMED_TEST], []]);
    expect(history.withdrawn()).toEqual({ all: 0, untold: 0 });
    expect([history.markTold(), history.markTold()]).toEqual([true, false]);
    seen(history, [[], [REVOKED]], [[], [REVOKED]]);
    expect(history.withdrawn()).toEqual({ all: 1, untold: 1 });
    const stored = fromStateText(toStateText(history.snapshot()));
    if (!isHistorySnapshot(stored)) throw new Error('no snapshot');
    const after = new ExposureHistory({}, OURS, stored);
    expect(after.withdrawn()).toEqual({ all: 1, untold: 1 });
    expect([after.markTold(), after.markTold()]).toEqual([true, false]);
    expect(after.withdrawn()).toEqual({ all: 1, untold: 0 });
    // 14 days after the encounter there is nothing left to be said of it.
    expect(after.withdrawn((START + 3) * 600 + 14 * 86_400 + 1)).toEqual({ all: 0, untold: 0 });
  });

  it('is nothing to be told to who never was', ({ expect }) => {
    const history = new ExposureHistory({}, OURS);
    seen(history, [[CONFIRMED_TEST], [REVOKED]]);
    expect(history.markTold()).toBe(false);
    expect(history.withdrawn()).toEqual({ all: 0, untold: 0 });
    const odd = { ...history.snapshot(), entries: [{ ...history.snapshot().entries[0], told: 'maybe' }] };
    expect(isHistorySnapshot(odd)).toBe(false);
  });
});

describe('one key with two rolling periods (docs/spec/gaen.md §6.1 step 3)', () => {
  it('is attempted with the first alone, even where that found nothing', ({ expect }) => {
    const history = new ExposureHistory();
    history.provide([key(CONFIRMED_TEST, 60)], [], [heard(100)]);
    history.provide([key(CONFIRMED_TEST, 144)], [], [heard(100)]);
    expect(history.matches()).toEqual([]);
  });

  it('is taken with the second if the first met no RPI of the day', ({ expect }) => {
    const history = new ExposureHistory();
    history.provide([key(CONFIRMED_TEST, 60)], [], []);
    history.provide([key(CONFIRMED_TEST, 144)], [], [heard(100)]);
    expect(history.matches()).toHaveLength(1);
  });
});

describe('what was met', () => {
  const DAY = 86_400;
  const MET = (START + 3) * 600;

  it('counts for 14 days to the second, and is forgotten then', ({ expect }) => {
    const history = new ExposureHistory();
    history.provide([key(CONFIRMED_TEST)], [], [heard(3)], MET + DAY);
    expect(history.matches(MET + 14 * DAY)).toHaveLength(1);
    expect(history.matches(MET + 14 * DAY + 1)).toEqual([]);
    // Its key is still known, so that a later file finds nothing anew in what the phone still stores.
    history.provide([key(CONFIRMED_TEST)], [], [heard(3)], MET + 14 * DAY + 2);
    expect(history.matches()).toEqual([]);
    expect(history.snapshot().entries).toHaveLength(1);
    history.forget((START + 144) * 600 + 2 * 3600 + 14 * DAY + 1);
    expect(history.snapshot()).toEqual({ entries: [], attempted: [] });
  });

  it('keeps of a key what is younger', ({ expect }) => {
    const history = new ExposureHistory();
    history.provide([key(CONFIRMED_TEST)], [], [heard(3), heard(100)]);
    const [match] = history.matches(MET + 14 * DAY + 600);
    expect(match?.sightings.map(({ interval }) => interval)).toEqual([START + 100]);
  });

  it('is not found at all when it is told of too late', ({ expect }) => {
    const history = new ExposureHistory({ now: MET + 15 * DAY });
    history.provide([key(CONFIRMED_TEST)], [], [heard(3)]);
    expect(history.matches()).toEqual([]);
  });

  it('is the same after a restart, and what was stored is forgotten too', ({ expect }) => {
    const before = new ExposureHistory();
    before.provide([key(SELF_REPORT)], [], [heard(3)]);
    before.provide([], [key(CONFIRMED_CLINICAL_DIAGNOSIS)], [heard(3)]);
    const stored = fromStateText(toStateText(before.snapshot()));
    if (!isHistorySnapshot(stored)) throw new Error('no snapshot');
    const after = new ExposureHistory({}, { revokeConfirmed: false }, stored);
    expect(after.matches()).toEqual(before.matches());
    // Its one transition is used up, as before the restart.
    expect(seen(after, [[], [REVOKED]])).toEqual([CONFIRMED_CLINICAL_DIAGNOSIS]);
    expect(after.matches(MET + 15 * DAY)).toEqual([]);
    expect(isHistorySnapshot({ entries: [{}], attempted: [] })).toBe(false);
  });
});
