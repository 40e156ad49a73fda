/** @module The scenarios of Google's dialect, and what each must show beside its own thresholds. */
import type { Assertion, Context, ScenarioResult } from './context.ts';
import { sumOf } from './counters.ts';
import { prepareCodes, preparePublish } from './prepare-google.ts';
import { runScenario, type Seen } from './run-scenario.ts';
import { storedOnce } from './stored-once.ts';

/** How they are run. */
interface GooglePlan {
  readonly factor: number;
  /** Seconds of the constant part. */
  readonly duration: number;
  /** Requests that are made beforehand, and the file they are in. */
  readonly prepared: number;
  readonly file: string;
}

type GoogleScenario = 'upload-publish' | 'verification-certificate';

/** @param context of the run @param plan see {@link GooglePlan} @returns each by its name */
export function googleScenarios(
  context: Context,
  { prepared, file, ...at }: GooglePlan,
): readonly (readonly [name: GoogleScenario, run: () => Promise<ScenarioResult>])[] {
  const environment = { UPLOADS: file };
  const reserved = (seen: Seen): Assertion[] => storedOnce(seen, 'TanLedger.reserveCertificate');
  const scenario = (
    name: GoogleScenario,
    prepare: typeof preparePublish,
    assert: (seen: Seen) => Assertion[],
  ): readonly [GoogleScenario, () => Promise<ScenarioResult>] => [
    name,
    async () => {
      await prepare(context.edge, prepared, file);
      return runScenario(context, { scenario: name, ...at, environment, assert });
    },
  ];
  return [
    scenario('upload-publish', preparePublish, reserved),
    scenario('verification-certificate', prepareCodes, certifiedOnce),
  ];
}

/** Each code that led to a certificate made one call for its token and one for the certificate, and chaff made none. */
function certifiedOnce({ counters, value }: Seen): Assertion[] {
  const given = value('certificates_given', 'count');
  const [claims, certificates] = ['CodeStore.claim', 'CodeStore.certify'].map((call) => sumOf(counters, call));
  const text = `certificates given: ${given}, by ${claims} claims and ${certificates} calls for certificates`;
  return [{ text, holds: given > 0 && claims === given && certificates === given }];
}
