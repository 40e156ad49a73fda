/**
 * @module The demo's last step: the health authority's parameters are published, and each alarmed phone says its risk under
 * GAEN v1, v2, Corona-Warn-App's calculation and the architecture's figure 12.
 */
import { readFile } from 'node:fs/promises';
import type { Match } from '../../phone/matching/match.ts';
import {
  currentParameters,
  describeParametersError,
  newParametersState,
  updateParameters,
} from '../../phone/parameters/parameters.ts';
import type { RandomBytes } from '../../phone/random.ts';
import { type Assessment, assessRisk } from '../../phone/scoring/assess.ts';
import { RISK_LEVEL } from '../../protocol/parameters/levels.ts';
import { ParameterPortal } from '../support/portal.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { pinnedKeys } from './stage.ts';

const DEFAULT_DOCUMENT = new URL('../../parameters/default.json', import.meta.url);
const UINT8_MAX = 255;

/** What one alarmed phone tells its owner. */
export interface PhoneRisk {
  readonly phone: number;
  readonly keysMet: number;
  readonly v1Score: number;
  readonly v1ScoreIos: number;
  readonly v1: string;
  readonly v2Minutes: number;
  readonly cwa: string;
  readonly figure12: string;
}

/** Publishes the default document. @throws Error when the origin finds it invalid */
export async function publishParameters(edge: LocalEdge): Promise<number> {
  const document = await readFile(DEFAULT_DOCUMENT, 'utf8');
  const reply = await new ParameterPortal(edge.url).publish({ document, audience: null, dryRun: false }, 0);
  if (reply.kind !== 'published') throw new Error(`parameters: ${JSON.stringify(reply)}`);
  return reply.version;
}

/**
 * Each phone fetches the parameters, checks them and scores what it met.
 *
 * @param edge a running edge
 * @param alarmed phone number → what it met
 * @param now Unix seconds on their clocks
 * @param random source of bytes
 * @param problems gets what went wrong
 * @returns one entry a phone, by number
 */
export async function assessAll(
  edge: LocalEdge,
  alarmed: ReadonlyMap<number, readonly Match[]>,
  now: number,
  random: RandomBytes,
  problems: string[],
): Promise<PhoneRisk[]> {
  const source = {
    fetch,
    url: edge.url,
    keys: pinnedKeys(edge).manifestKeys,
    phone: { platform: 'android', version: 48 } as const,
  };
  const risks: PhoneRisk[] = [];
  for (const [phone, matches] of [...alarmed].toSorted(([a], [b]) => a - b)) {
    const { state, outcome } = await updateParameters(source, newParametersState(random), now);
    const parameters = currentParameters(state);
    if (!outcome.ok) problems.push(`phone ${phone}: ${describeParametersError(outcome.error)}`);
    if (parameters !== null) risks.push(toRisk(phone, matches.length, assessRisk(parameters, matches, now)));
  }
  return risks;
}

function toRisk(phone: number, keysMet: number, { v1, v2, cwa, weightedSum }: Assessment): PhoneRisk {
  const level = cwa.totalRiskLevel === RISK_LEVEL.HIGH ? 'HIGH' : cwa.days.length > 0 ? 'LOW' : 'no risk';
  return {
    phone,
    keysMet,
    v1Score: v1.android.maximumRiskScore,
    v1ScoreIos: Math.min(UINT8_MAX, v1.ios.maximumRiskScore),
    v1: `${v1.combinedMinutes.toFixed(1)} min ${v1.riskClass}`,
    v2Minutes: v2.highestDayMinutes,
    cwa: level,
    figure12: weightedSum === null ? 'none' : `${weightedSum.total} ${weightedSum.riskLevel}`,
  };
}

const COLUMNS: readonly (readonly [keyof PhoneRisk, string])[] = [
  ['phone', 'phone'],
  ['keysMet', 'keys met'],
  ['v1Score', 'v1 score'],
  ['v1ScoreIos', 'on iOS'],
  ['v1', 'v1 with minutes'],
  ['v2Minutes', 'v2 min'],
  ['cwa', 'CWA'],
  ['figure12', 'figure 12'],
];

/** @returns the risks as lines of text */
export function riskTable(risks: readonly PhoneRisk[]): string {
  const rows = [
    COLUMNS.map(([, heading]) => heading),
    ...risks.map((risk) => COLUMNS.map(([name]) => String(risk[name]))),
  ];
  const widths = COLUMNS.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  return rows.map((row) => row.map((text, n) => text.padStart(widths[n]!)).join('  ')).join('\n');
}
