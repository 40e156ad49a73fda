/**
 * @module `index` and `config`, taken over: each holds the public bucket, and R2 can't bind it read-only. What they write under the names
 * of `origin` before, while and after it publishes must stop nothing, in no region: phones end with all keys, and what was
 * there is kept and counted (docs/architecture.md §5.10).
 */
import { readFileSync } from 'node:fs';
import { startLocalEdge, type LocalEdge } from '../../../local-edge/local-edge.ts';
import { ROOT } from '../../../local-edge/workers.ts';
import { syncCwaTree, type CwaState } from '../../../phone/download/download-cwa.ts';
import { syncManifest, type ManifestState } from '../../../phone/download/download-manifest.ts';
import { memoryStore } from '../../../phone/store.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { dateOfHour, hourOf, hourOfDay, SECONDS_PER_HOUR } from '../../../protocol/gaen/intervals.ts';
import { countryIndexPath, dateIndexPath, hourIndexPath, hourPath } from '../../../protocol/index/cwa-tree.ts';
import { headPath } from '../../../protocol/index/manifest.ts';
import { openDocument } from '../../../protocol/index/signed-document.ts';
import { configHeadPath } from '../../../protocol/parameters/config-head.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { downloadPorts, pinnedKeys } from '../../demo/stage.ts';
import { advanceUntilIdle, issueTans, setClock, status } from '../../support/operator.ts';
import { byteSource, patientKeys } from '../../support/patients.ts';
import { ParameterPortal } from '../../support/portal.ts';
import type { Verdict } from '../attack.ts';
import { type Adapt, type EdgeWorkers, type Puppet, puppetOf, withPuppet } from '../puppet.ts';

/** 2026-06-15 20:20 UTC: two hours, midnight, two hours more. */
const START = 1_781_554_800;
const VARS = { upload: { ANSWER_DEADLINE_MS: '0' }, origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' } };
const REGIONS = ['DE', 'EUR'] as const;
/** Names that are overwritten or deleted after an hour is published. */
const STRUCK = 9;

type Dialect = 'manifest' | 'tree';

/** A phone that goes on with what it has when a download fails, as phones do. */
class Reader {
  readonly keys = new Set<string>();
  readonly #edge: LocalEdge;
  readonly #kind: Dialect;
  readonly #manifest = memoryStore<ManifestState>();
  readonly #tree = memoryStore<CwaState>();

  constructor(edge: LocalEdge, kind: Dialect) {
    this.#edge = edge;
    this.#kind = kind;
  }

  /** @returns how many downloads failed */
  async sync(now: number): Promise<number> {
    const ports = downloadPorts(this.#edge, now, ({ exportFile }) => {
      for (const { keyData } of exportFile.keys) this.keys.add(toHex(keyData));
    });
    const { manifestKeys } = pinnedKeys(this.#edge);
    const { errors } = await (this.#kind === 'manifest'
      ? syncManifest({ ...ports, region: 'DE', manifestKeys, store: this.#manifest })
      : syncCwaTree({ ...ports, country: 'EUR', store: this.#tree }));
    return errors.length;
  }
}

/** What the attack came to. */
interface Outcome {
  /** Of the regions, hours that phones could have had, at the end. */
  readonly hours: readonly number[];
  /** Shared keys that a phone doesn't have. One that took a day for an hour it couldn't get has some twice, as phones may. */
  readonly missing: Readonly<Record<Dialect, number>>;
  /** Downloads that failed right after the strokes, before `origin` looked: the attack is felt. */
  readonly felt: number;
  /** The same after it looked. */
  readonly left: number;
  readonly parameters: boolean;
  readonly counters: Readonly<Record<string, number>>;
  readonly copies: number;
}

/** Puts one foreign byte under every name that the hour will be published under. */
async function occupy(puppet: Puppet, hour: number): Promise<void> {
  const date = dateOfHour(hour);
  for (const region of REGIONS) {
    const names = [headPath(region), hourPath(region, date, hourOfDay(hour)), hourIndexPath(region, date)];
    for (const name of [...names, dateIndexPath(region), countryIndexPath(), configHeadPath()]) {
      await puppet.call('PUBLIC', 'put', [name, { $hex: 'ff' }]);
    }
  }
}

/** Overwrites or deletes some of what stands there, heads always among it. */
async function strike(edge: LocalEdge, puppet: Puppet, random: (length: number) => Uint8Array): Promise<void> {
  const bucket = await edge.miniflare.getR2Bucket('PUBLIC', 'exposure-edge-origin');
  const names = (await bucket.list()).objects.map(({ key }) => key);
  const drawn = Array.from({ length: STRUCK }, () => names[random(1)[0]! % names.length]!);
  for (const [n, name] of [...drawn, headPath('DE'), headPath('EUR')].entries()) {
    if (n % 2 === 0) await puppet.call('PUBLIC', 'delete', [name]);
    else await puppet.call('PUBLIC', 'put', [name, 'something else']);
  }
}

async function share(url: string, random: (length: number) => Uint8Array, now: number): Promise<string[]> {
  const [tan = ''] = await issueTans(url, 1);
  // The oldest would leave at midnight: where it is missed, and what can't be made again then, is no matter of this attack.
  const keys = patientKeys(random, now).slice(0, -1);
  const content = { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 as const };
  const reply = await upload(tan, content, { fetch, baseUrl: url, random });
  if (!reply.ok) throw new Error(`upload: ${JSON.stringify(reply.error)}`);
  return keys.map(({ keyData }) => toHex(keyData));
}

/** A step that fails is taken up by the next wake; so here. @returns whether it came to rest */
const advances = (url: string): Promise<boolean> =>
  advanceUntilIdle(url).then(
    () => true,
    () => false,
  );

async function attackBucket(edge: LocalEdge, seed: number, hours: number): Promise<Outcome> {
  const { url } = edge;
  const puppet = puppetOf(url);
  const random = byteSource(`public bucket/${seed}`);
  const phones = { manifest: new Reader(edge, 'manifest'), tree: new Reader(edge, 'tree') };
  const shared: string[] = [];
  await setClock(url, START);
  const document = readFileSync(`${ROOT}/parameters/default.json`, 'utf8');
  await new ParameterPortal(url).publish({ document, audience: null, dryRun: false }, 0);
  let felt = 0;
  let left = 0;
  for (let n = 0; n < hours; n++) {
    const now = START + n * SECONDS_PER_HOUR;
    shared.push(...(await share(url, random, now)));
    await occupy(puppet, hourOf(now));
    await setClock(url, now + SECONDS_PER_HOUR);
    await advances(url);
    await strike(edge, puppet, random);
    for (const phone of Object.values(phones)) felt += await phone.sync(now + SECONDS_PER_HOUR + 60);
    await advances(url);
    for (const phone of Object.values(phones)) left += await phone.sync(now + SECONDS_PER_HOUR + 120);
  }
  const { regions, counters } = await status(url);
  const missing = ({ keys }: Reader): number => shared.filter((key) => !keys.has(key)).length;
  const head = await fetch(`${url}/${configHeadPath()}`);
  const bucket = await edge.miniflare.getR2Bucket('PRIVATE', 'exposure-edge-origin');
  return {
    hours: regions.map(({ lastIndexedHour }) => (lastIndexedHour ?? hourOf(START) - 1) - hourOf(START) + 1),
    missing: { manifest: missing(phones.manifest), tree: missing(phones.tree) },
    felt,
    left,
    parameters: head.ok && openDocument('config', await head.text(), pinnedKeys(edge).manifestKeys).ok,
    counters,
    copies: (await bucket.list({ prefix: 'foreign/' })).objects.length,
  };
}

/** `origin` as it was before decision 027: a foreign object stops the step, and nobody looks whether anything was lost. */
const FORMER: readonly (readonly [now: RegExp, then: string])[] = [
  [/await keepCopy\w*\(\w+, key\);/, 'throw new Error("the name holds other bytes");'],
  [/await patrol\w*\(p\);/, ''],
];

/** @returns for `startLocalEdge`: the Workers with the fault @throws Error when the code has no such place any more */
function withFormerOrigin(victim: string): Adapt {
  return (workers) => {
    const faulty = workers.map((worker): EdgeWorkers[number] => {
      if (worker.name !== 'exposure-edge-origin') return worker;
      const { modules } = worker as unknown as { readonly modules: readonly { readonly contents: string }[] };
      const changed = modules.map((module) => {
        let { contents } = module;
        for (const [now, then] of FORMER) {
          if (!now.test(contents)) throw new Error(`no ${String(now)} in the bundle of origin`);
          contents = contents.replace(now, then);
        }
        return { ...module, contents };
      });
      return { ...worker, modules: changed } as unknown as EdgeWorkers[number];
    });
    return withPuppet(victim)(faulty);
  };
}

async function tried(adapt: Adapt, seed: number, hours: number): Promise<Outcome> {
  const edge = await startLocalEdge({ vars: VARS, adapt, onLog: () => undefined });
  try {
    return await attackBucket(edge, seed, hours);
  } finally {
    await edge.dispose();
  }
}

/**
 * @param victim whose binding is used
 * @param hours sealed under attack
 * @returns the verdicts
 */
export async function takenOverReader(victim: 'index' | 'config', seed: number, hours: number): Promise<Verdict[]> {
  const out = await tried(withPuppet(victim), seed, hours);
  const { manifest, tree } = out.missing;
  const alerts = (out.counters['alert_foreign_object'] ?? 0) + (out.counters['alert_object_lost'] ?? 0);
  const former = await tried(withFormerOrigin(victim), seed, hours);
  const verdicts: Verdict[] = [
    {
      what: 'hours published in DE and EUR while every name was taken before, and eleven struck after each',
      figure: out.hours.join(' and '),
      bound: `${hours} and ${hours}`,
      holds: out.hours.every((had) => had === hours),
    },
    {
      what: 'keys that a phone of the manifest and one of CWA’s tree miss at the end',
      figure: `${manifest} and ${tree}`,
      bound: '0 and 0',
      holds: manifest === 0 && tree === 0,
    },
    {
      what: 'downloads that fail after the strokes, and after the next step of origin',
      figure: `${out.felt}, then ${out.left}`,
      bound: 'some, then 0',
      holds: out.felt > 0 && out.left === 0,
    },
    {
      what: 'parameters’ head is there and signed; alerts counted; copies kept',
      figure: `${out.parameters ? 'yes' : 'no'}; ${alerts}; ${out.copies}`,
      bound: 'yes; some; some',
      holds: out.parameters && alerts > 0 && out.copies > 0,
    },
    {
      what: 'fault put there: an origin that stops at foreign bytes and never looks again; hours published, downloads failing',
      figure: `${former.hours.join(' and ')}; ${former.left}`,
      bound: `found: fewer than ${hours}`,
      holds: former.hours.some((had) => had < hours),
    },
  ];
  return verdicts.map((verdict) => ({ ...verdict, what: `${victim}: ${verdict.what}` }));
}
