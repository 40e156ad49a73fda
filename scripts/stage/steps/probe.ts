/**
 * @module The probe: each host of a stage is asked one thing that a phone, a laboratory, a peer or a member of staff would ask, and a person reads what was asked, what came and whether
 * it is right. Nothing is stored by it: what phones post is a dummy, or names an authority that nobody is.
 *
 * `origin` has no host. A publish request of an authority that is nobody makes `upload` ask it for the authorities in force, so the answer says whether it answers.
 */
import type { Stage } from '../file/stage.ts';
import { isDouble } from '../file/stage.ts';
import type { WorkerName } from '../wrangler/order.ts';
import { ask, type Came, type Question } from './ask.ts';
import type { Rollout } from './rollout.ts';

/** What a host is asked, and what is right. */
export interface Probe {
  readonly host: string;
  /** The Worker whose answer it is. */
  readonly worker: WorkerName;
  /** One without a host, which it asks for its answer. */
  readonly behind?: WorkerName;
  /** For a person. */
  readonly asked: string;
  readonly question: Question;
  /** @returns what the answer means, for a person, and whether it is right */
  readonly judge: (came: Came) => Verdict;
}

interface Verdict {
  readonly right: boolean;
  readonly means: string;
}

/** What was asked of a host, what came, and what it means. */
export interface Probed extends Verdict {
  readonly host: string;
  readonly worker: WorkerName;
  readonly asked: string;
  /** `200`, or what went wrong on the way. */
  readonly came: string;
}

const get = (path: string, headers: Readonly<Record<string, string>> = {}): Question => ({
  method: 'GET',
  path,
  headers,
  body: null,
});
const post = (path: string, headers: Readonly<Record<string, string>>, text: string): Question => ({
  method: 'POST',
  path,
  headers,
  body: new TextEncoder().encode(text),
});

/** Right at these statuses, each with its meaning; anything else is wrong, and said so. */
const at =
  (meanings: Readonly<Record<number, string>>, otherwise: string) =>
  ({ status }: Came): Verdict =>
    meanings[status] === undefined
      ? { right: false, means: status === 500 ? `${otherwise}; 500: it is not set up` : otherwise }
      : { right: true, means: meanings[status] };

const DUMMY = { 'cwa-fake': '1', 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
/** Of nobody's phone: 16 zero bytes, a day in 2020, an authority that doesn't exist. */
const NOBODYS_PUBLISH = JSON.stringify({
  temporaryExposureKeys: [
    { key: 'AAAAAAAAAAAAAAAAAAAAAA==', rollingStartNumber: 2_650_032, rollingPeriod: 144, transmissionRisk: 0 },
  ],
  healthAuthorityID: 'exposure-edge.probe',
  verificationPayload: 'e30.e30.e30',
  hmacKey: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  symptomOnsetInterval: 0,
  traveler: false,
  revisionToken: '',
  padding: '',
});

/**
 * @param stage see {@link Stage}
 * @returns what each of its hosts is asked, in the order in which a person's key travels
 */
export function probesOf(stage: Stage): Probe[] {
  const { hosts, country } = stage;
  const served = { 200: 'there is one', 404: 'none yet: nothing was sealed or published since it was set up' };
  const optional: (Probe | null)[] = [
    {
      host: hosts.verification,
      worker: 'verification',
      asked: 'a TAN, by a dummy',
      question: post(
        '/version/v1/tan',
        { ...JSON_TYPE, 'cwa-fake': '1' },
        '{"registrationToken":"00000000-0000-4000-8000-000000000000"}',
      ),
      judge: at({ 201: 'it answers dummies as it answers people' }, 'a dummy must be answered 201'),
    },
    {
      host: hosts.submission,
      worker: 'upload',
      asked: 'an upload, by a dummy',
      question: post('/version/v1/diagnosis-keys', DUMMY, ''),
      judge: at({ 200: 'it answers dummies as it answers people' }, 'a dummy must be answered 200'),
    },
    {
      host: hosts.submission,
      worker: 'upload',
      behind: 'origin',
      asked: 'to publish keys of an authority that nobody is',
      question: post('/v1/publish', JSON_TYPE, NOBODYS_PUBLISH),
      judge: at(
        { 401: 'refused, after origin was asked which authorities there are' },
        'it must be refused with 401; 500 or 503: origin doesn’t answer',
      ),
    },
    {
      host: hosts.keys,
      worker: 'index',
      asked: `the manifest of ${country}`,
      question: get(`/v1/${country}/manifest.json`),
      judge: at(served, 'a manifest, or 404 before the first seal, must come'),
    },
    {
      host: hosts.config ?? hosts.keys,
      worker: 'config',
      asked: 'the configuration’s head',
      question: get('/v1/config/head.json'),
      judge: at(served, 'a head, or 404 before the first publication, must come'),
    },
    {
      host: hosts.laboratories,
      worker: 'laboratory',
      asked: 'to take results, without a certificate',
      question: post('/api/v1/lab/results', JSON_TYPE, '{}'),
      judge: at(
        { 401: 'refused by the Worker', 403: 'refused before the Worker, or by it' },
        'without a certificate nobody may get in',
      ),
    },
    hosts.peers === null
      ? null
      : {
          host: hosts.peers,
          worker: 'federation',
          asked: 'a feed, without a certificate',
          question: get('/diagnosiskeys/download/2020-01-01'),
          judge: at(
            { 401: 'refused by the Worker', 403: 'refused before the Worker, or by it' },
            'without a certificate nobody may get in',
          ),
        },
    {
      host: hosts.portal,
      worker: 'portal',
      asked: 'the staff’s page, without signing in',
      question: get('/staff'),
      judge: (came) => judgePortal(stage, came),
    },
    hosts.cards === null
      ? null
      : {
          host: hosts.cards,
          worker: 'portal',
          asked: 'the staff’s page, without a card',
          question: get('/staff'),
          judge: at({ 403: 'refused before the Worker, or by it' }, 'without a card nobody may get in'),
        },
    hosts.codes === null
      ? null
      : {
          host: hosts.codes,
          worker: 'portal',
          asked: 'to issue a code, without an API key',
          question: post('/api/issue', JSON_TYPE, '{}'),
          judge: at({ 401: 'refused' }, 'without a key nobody may issue codes'),
        },
    hosts.links === null
      ? null
      : {
          host: `${country.toLowerCase()}.${hosts.links}`,
          worker: 'verification',
          asked: 'which apps open its links',
          question: get('/.well-known/assetlinks.json'),
          judge: at({ 200: 'there is a list' }, 'a list must come, be it empty'),
        },
  ];
  return optional.filter((one) => one !== null);
}

/** @param stage whose portal @param came what came of a stranger's question @returns whether Access, or in the double the Worker, keeps him out */
export function judgePortal(stage: Stage, { status, headers }: Came): Verdict {
  const to = String(headers['location'] ?? '');
  if (status === 302 && URL.canParse(to) && new URL(to).hostname === `${stage.access.team}.cloudflareaccess.com`) {
    return { right: true, means: 'Access stands before it and asks who it is' };
  }
  if (status !== 403) return { right: false, means: 'nobody may get in who hasn’t signed in' };
  return isDouble(stage)
    ? { right: true, means: 'refused by the Worker: no Access stands before it on this machine' }
    : {
        right: false,
        means:
          'refused by the Worker, which keeps strangers out, but Access doesn’t stand before it: nobody can sign in',
      };
}

/** Whom to ask, and how; left out: every host, and whoever has the traffic. */
export interface ProbeOptions {
  /** Workers whose answers are asked for; of those without a host, of those that ask them. */
  readonly only?: ReadonlySet<WorkerName>;
  /** Script's name → version that is to answer, though it has no traffic. */
  readonly versions?: Readonly<Record<string, string>>;
  /** Hosts that aren't there yet. */
  readonly absent?: ReadonlySet<string>;
}

/**
 * @param rollout whose hosts
 * @param options see {@link ProbeOptions}
 * @returns what each host was asked and what came, in order
 */
export async function probe(
  rollout: Pick<Rollout, 'stage' | 'account'>,
  { only, versions = {}, absent }: ProbeOptions = {},
): Promise<Probed[]> {
  // A call from Worker to Worker carries no header: whoever is behind answers with the version that has the traffic.
  const isBehind = (behind: WorkerName): boolean => Object.keys(versions).length === 0 && only?.has(behind) === true;
  const isAsked = ({ worker, behind, host }: Probe): boolean =>
    absent?.has(host) !== true &&
    (only === undefined || only.has(worker) || (behind !== undefined && isBehind(behind)));
  const overrides = Object.entries(versions).map(([script, id]) => `${script}="${id}"`);
  const headers: Record<string, string> =
    overrides.length === 0 ? {} : { 'cloudflare-workers-version-overrides': overrides.join(', ') };
  return Promise.all(
    probesOf(rollout.stage)
      .filter(isAsked)
      .map(async ({ host, worker, asked, question, judge }) => {
        try {
          const came = await ask(rollout.account, host, { ...question, headers: { ...question.headers, ...headers } });
          return { host, worker, asked, came: String(came.status), ...judge(came) };
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          return { host, worker, asked, came: why || 'nothing', right: false, means: 'it doesn’t answer' };
        }
      }),
  );
}

/** @param probed see {@link probe} @returns lines for a person */
export function probedText(probed: readonly Probed[]): string[] {
  return probed.map(
    ({ host, asked, came, right, means }) =>
      `${right ? 'right' : 'WRONG'}  ${host}: asked ${asked}; came ${came}: ${means}`,
  );
}
