/** @module After a rollback the demo notices a phone that warns of more or of less than it should. */
import { describe, it } from 'vitest';
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';
import type { Match } from '../../phone/matching/match.ts';
import { namesOf } from './names.ts';
import { downloadAgain } from './undo.ts';
import type { Watcher } from './watcher.ts';

const met = (byte: number, reportType: ReportType): Match => ({
  key: {
    keyData: new Uint8Array(16).fill(byte),
    transmissionRiskLevel: 3,
    rollingStartIntervalNumber: 2_650_032,
    rollingPeriod: 144,
    reportType,
    daysSinceOnsetOfSymptoms: 1,
  },
  sightings: [],
});
const HONEST = met(1, REPORT_TYPE.CONFIRMED_TEST);
const TESTED = met(2, REPORT_TYPE.CONFIRMED_TEST);
const CLINICAL = met(3, REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS);
const BEFORE = [HONEST, TESTED, CLINICAL];
const FORGED = namesOf([TESTED.key, CLINICAL.key]);

/** Plays a phone that tells this much, after the rollback. */
async function tells(way: Watcher['way'], matches: readonly Match[], withdrawn: number, before = BEFORE) {
  const phone: Watcher = {
    person: { number: 7, history: [], sightings: [] },
    way,
    received: [],
    revised: [],
    sync: () => Promise.resolve({ files: 1, bytes: 1, requests: 1, errors: [] }),
    tell: () => ({ matches, withdrawn }),
  };
  const problems: string[] = [];
  const aftermath = await downloadAgain([phone], new Map([[7, before]]), FORGED, 0, problems);
  return { ...aftermath, problems };
}

describe('downloadAgain', () => {
  it('is content with a phone that takes back what was forged, and with one that Android’s rule holds', async ({
    expect,
  }) => {
    expect(await tells('manifest', [HONEST], 2)).toEqual({ withdrawn: [7], kept: [], silenced: [], problems: [] });
    expect(await tells('manifest', [], 1, [TESTED])).toMatchObject({ silenced: [7], problems: [] });
    expect(await tells('tree', [HONEST, TESTED], 1)).toEqual({
      withdrawn: [7],
      kept: [7],
      silenced: [],
      problems: [],
    });
  });

  it.for<[string, Watcher['way'], readonly Match[]]>([
    ['keeps a forged key', 'manifest', [HONEST, TESTED]],
    ['drops an honest key with the forged ones', 'manifest', []],
    ['by the tree takes back a confirmed test', 'tree', [HONEST]],
    ['by the tree keeps a clinical diagnosis', 'tree', BEFORE],
  ])('says so of a phone that %s', async ([, way, matches], { expect }) => {
    expect((await tells(way, matches, 0)).problems).toHaveLength(1);
  });

  it('asks only phones that warned of a forged key', async ({ expect }) => {
    expect(await tells('manifest', [], 0, [HONEST])).toEqual({ withdrawn: [], kept: [], silenced: [], problems: [] });
  });
});
