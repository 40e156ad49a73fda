/**
 * @module What a release leaves behind when the next one comes: some hours of a small country, in which each object of each Worker has something to remember (after.ts goes on with it). The state of released versions that is
 * kept as a fixture is this story, told by that version's own code.
 */
import defaults from '../../../parameters/default.json' with { type: 'json' };
import { LABORATORY_LIST_TYPE } from '../../../domain/laboratory-list.ts';
import { runCrons } from '../../../local-edge/crons.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { readEnvironments } from '../../../local-edge/workers.ts';
import { newParametersState, type ParametersState, updateParameters } from '../../../phone/parameters/parameters.ts';
import { memoryStore } from '../../../phone/store.ts';
import { type KeptSecret, withSecrets } from '../../../phone/upload/withdrawal.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { typeCode } from '../../../phone/verification/codes.ts';
import type { EnxState } from '../../../phone/enx/state.ts';
import { signDocument } from '../../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  asPerson,
  callHotline,
  command,
  issueCodes,
  issueTans,
  makeApiKey,
  moveClock,
  setClock,
} from '../../../scripts/support/operator.ts';
import { type ConfigReply, ParameterPortal } from '../../../scripts/support/portal.ts';
import type { PeerFeed } from '../peer-feed.ts';
import {
  contentOf,
  type Downloads,
  download,
  EnxApp,
  hexOf,
  keysOf,
  parametersOf,
  phonePorts,
  registered,
  share,
  taken,
  tanOf,
  testCode,
} from './people.ts';
import { BEGIN, BREAK, batchOf, pollPeer } from './scene.ts';
import { type Cookies, StaffBrowser } from './staff-browser.ts';

const HOUR = 3600;
/** What the laboratory shows as its client certificate. */
const LABORATORY = '5c'.repeat(32);
const CODES = { testType: 'confirmed', symptomDate: null, testDate: null, long: false };

/** Everything that people, phones and staff hold when the story breaks off. For tests alone: nobody real has any of it. */
export interface Left {
  /** Unix seconds of the edge's clock. */
  readonly now: number;
  /** Never used. */
  readonly tans: readonly string[];
  /** Used by the person of this name, whose upload is known. */
  readonly used: { readonly tan: string; readonly name: string };
  /** Registration tokens of people who are positive, and have fetched no TAN. */
  readonly positive: readonly string[];
  /** One whose result isn't there yet, and the number of the test. */
  readonly pending: { readonly token: string; readonly test: number };
  /** A test whose result was posted, and nobody has registered. */
  readonly unscanned: number;
  /** A TAN that was given, not used, and its session. */
  readonly given: { readonly token: string; readonly tan: string };
  readonly teleTan: string;
  readonly card: string;
  readonly apiKey: string;
  /** A verification code that nobody has used. */
  readonly code: string;
  /** An app that has verified a code, and shared nothing yet. */
  readonly app: { readonly name: string; readonly state: EnxState };
  /** Key data in hex: shared, and in a sealed hour. */
  readonly sealed: readonly string[];
  /** Shared, and waiting. */
  readonly waiting: readonly string[];
  /** Some of {@link waiting}, whose person may take them back. */
  readonly secrets: readonly KeptSecret[];
  readonly downloads: Downloads;
  /** Of a phone that has the first version of the parameters. */
  readonly parameters: ParametersState;
  /** Of a person of staff with every role. */
  readonly cookies: Cookies;
  /** Parameters that wait for a second person. */
  readonly proposal: string;
  /** Batches of the peer that were sealed and read. */
  readonly batches: number;
}

const hexId = (code: ReturnType<typeof testCode>): string => ('key' in code ? code.key : '');

/** @param result 1 negative, 2 positive */
export async function postResult(url: string, test: number, result: 1 | 2): Promise<void> {
  const answer = await fetch(`${url}/api/v1/lab/results`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-local-client-certificate': LABORATORY },
    body: JSON.stringify({ testResults: [{ id: hexId(testCode(test)), result }] }),
  });
  if (answer.status !== 204) throw new Error(`laboratory: ${answer.status} ${await answer.text()}`);
}

/** Staff publish the list of laboratories, signed with the key that the state directory keeps for its operator. */
async function openLaboratory(edge: LocalEdge, staff: StaffBrowser): Promise<void> {
  const { raw } = signerFromPkcs8Pem(readFileSync(join(edge.state, 'laboratories.pem'), 'utf8'));
  const laboratories = [
    { id: 'lab', name: 'Laboratory', birthDate: 'optional', certificateFingerprints: [LABORATORY] },
  ];
  const list = signDocument(LABORATORY_LIST_TYPE, 'laboratories-v1', { version: 1, laboratories }, raw);
  const page = await staff.submit('/staff/laboratories', '/staff/laboratories', { document: list });
  if (!page.includes(LABORATORY)) throw new Error('the list of laboratories was refused');
}

/** Somebody of staff makes a batch of code cards. @returns what is printed on two of them */
async function makeCards(staff: StaffBrowser): Promise<string[]> {
  const sheet = await staff.submit('/staff/cards', '/staff/cards', { label: 'releases', count: '20' });
  const cards = sheet.split('<article class="card">').slice(1, 3);
  return cards.map((card) =>
    [...card.matchAll(/<div class="typed">([^<]+)<\/div>/g)].map(([, group = '']) => group).join(''),
  );
}

/** The first version, which one person may publish; a change of it then waits for a second one. @returns the id of what waits */
async function publishParameters(url: string): Promise<string> {
  const portal = new ParameterPortal(url);
  const request = (more: object) => ({
    document: JSON.stringify({ ...defaults, ...more }),
    audience: null,
    dryRun: false,
  });
  const replies = [await portal.publish(request({}), 0), await portal.publish(request({ comment: 'Anew.' }), 1)];
  const [first, second] = replies;
  if (first?.kind !== 'published' || second?.kind !== 'proposed')
    throw new Error(`parameters: ${JSON.stringify(replies)}`);
  return second.id;
}

/** A second person agrees to parameters. @returns what came of it @throws Error when they aren't published */
export async function agree(url: string, proposal: string): Promise<ConfigReply> {
  const second = asPerson('berta@example.org', ['health-authority', 'operator']);
  const reply = (await command(url, 'POST', '/operator/config/agree', { proposal }, [409, 422], second)) as ConfigReply;
  if (reply.kind !== 'published') throw new Error(`agreed to: ${JSON.stringify(reply)}`);
  return reply;
}

/**
 * Plays the first part.
 *
 * @param edge an empty one of the scene (scene.ts), its own health authority in force
 * @param peer that it polls
 * @returns what is left
 * @throws Error naming the step that went wrong
 */
export async function playBefore(edge: LocalEdge, peer: PeerFeed): Promise<Left> {
  const { url } = edge;
  await setClock(url, BEGIN);
  const roles = ['hotline', 'health-authority', 'provider', 'lab-admin', 'operator', 'auditor'];
  const staff = StaffBrowser.signIn(url, 'anna@example.org', roles, BEGIN);
  await openLaboratory(edge, staff);
  const proposal = await publishParameters(url);
  const [card = '', otherCard = ''] = await makeCards(staff);
  const tans = await issueTans(url, 8);
  const { key: apiKey } = await makeApiKey(url, 'device', 'app of releases');
  const codes = await issueCodes(url, 3, CODES);

  const tokens: string[] = [];
  for (const n of [1, 2, 3]) tokens.push(await registered(edge, testCode(n), `person ${n}`));
  for (const n of [1, 2, 4]) await postResult(url, n, 2);
  const [first = '', second = '', third = ''] = tokens;
  const withCard = await registered(edge, taken(typeCode(otherCard), 'card'), 'holder of a card');

  const sealed: string[] = [];
  for (const n of [0, 1, 2]) sealed.push(...(await share(edge, tans[n] ?? '', `sealed ${n}`, BEGIN)));
  const sharing = new EnxApp(edge, apiKey, 'sealed app');
  await sharing.open(codes[0]?.code ?? '');
  sealed.push(...(await sharing.share(BEGIN)));
  const opened = new EnxApp(edge, apiKey, 'app that goes on');

  peer.now = BEGIN;
  peer.seal(batchOf(1));
  await pollPeer(edge, peer, BEGIN);
  let downloads: Downloads | undefined;
  for (let now = BEGIN - (BEGIN % HOUR) + HOUR + 60; now < BREAK; now += HOUR) {
    await moveClock(url, now);
    await pollPeer(edge, peer, now);
    downloads = await download(edge, now, downloads);
  }
  await moveClock(url, BREAK);
  // The desk of credentials, which nobody else has called, is woken by its cron. Not that of `origin`: its journal is 1.5 MB that nothing makes smaller.
  const verification = readEnvironments().filter(({ environment }) => environment === 'verification');
  await runCrons(edge.miniflare, verification);
  const phone = newParametersState(phonePorts(edge, 'parameters').random);
  const { state: parameters, outcome } = await updateParameters(parametersOf(edge), phone, BREAK);
  if (!outcome.ok) throw new Error(`parameters: ${JSON.stringify(outcome.error)}`);
  if (downloads === undefined) throw new Error('nobody has downloaded anything');

  const given = await tanOf(edge, withCard, 'holder of a card');
  // Codes are good for minutes, teleTANs for an hour: their people are the last that come.
  const teleTan = await callHotline(url);
  const [late, unused] = await issueCodes(url, 2, CODES);
  await opened.open(late?.code ?? '');
  const waiting: string[] = [];
  for (const n of [3, 4]) waiting.push(...(await share(edge, tans[n] ?? '', `waiting ${n}`, BREAK)));
  const secrets = memoryStore<readonly KeptSecret[]>([]);
  const regrets = keysOf('who takes them back', BREAK);
  const content = await withSecrets(contentOf(regrets), {
    secrets,
    random: phonePorts(edge, 'secrets').random,
    clock: () => BREAK,
  });
  taken(await upload(tans[5] ?? '', content, phonePorts(edge, 'regret')), 'upload that is taken back');
  waiting.push(...hexOf(regrets));
  const signedIn = StaffBrowser.signIn(url, 'anna@example.org', roles, BREAK);
  await signedIn.page('/staff');

  return {
    now: BREAK,
    tans: tans.slice(6),
    used: { tan: tans[3] ?? '', name: 'waiting 3' },
    positive: [first, second],
    pending: { token: third, test: 3 },
    unscanned: 4,
    given: { token: withCard, tan: given },
    teleTan,
    card,
    apiKey,
    code: unused?.code ?? '',
    app: { name: opened.name, state: taken(await opened.store.load(), 'app')! },
    sealed,
    waiting,
    secrets: taken(await secrets.load(), 'secrets') ?? [],
    downloads,
    parameters,
    cookies: signedIn.cookies,
    proposal,
    batches: 1,
  };
}
