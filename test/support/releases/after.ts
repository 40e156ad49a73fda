/**
 * @module How the story goes on (before.ts): everybody does what they can with what they hold, hours are sealed, phones go on downloading. Said is what went otherwise than it should, a line each: none is right.
 */
import type { LocalEdge } from '../../../local-edge/local-edge.ts';
import { typeCode } from '../../../phone/verification/codes.ts';
import { tan, testResult } from '../../../phone/verification/verification.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { withdraw } from '../../../phone/upload/withdrawal.ts';
import { updateParameters } from '../../../phone/parameters/parameters.ts';
import { moveClock, readClock, status } from '../../../scripts/support/operator.ts';
import { ParameterPortal } from '../../../scripts/support/portal.ts';
import type { PeerFeed } from '../peer-feed.ts';
import { agree, type Left, postResult } from './before.ts';
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
import { batchOf, pollPeer } from './scene.ts';
import { StaffBrowser } from './staff-browser.ts';

const HOUR = 3600;

/** How the story came out. */
export interface Ending {
  /** What isn't as it should be, a line each. */
  readonly problems: readonly string[];
  /** Unix seconds of the edge's clock. */
  readonly now: number;
  /** Keys that were shared in both parts and had to come out. */
  readonly shared: number;
}

/** Everybody who may share does so. @returns key data in hex */
async function shareAll(edge: LocalEdge, left: Left): Promise<string[]> {
  const { url } = edge;
  const shared: string[] = [];
  const give = async (tanText: string, name: string): Promise<void> =>
    void shared.push(...(await share(edge, tanText, name, left.now)));
  for (const [n, tanText] of left.tans.entries()) await give(tanText, `late ${n}`);
  for (const [n, token] of left.positive.entries())
    await give(await tanOf(edge, token, `positive ${n}`), `positive ${n}`);
  await postResult(url, left.pending.test, 2);
  await give(await tanOf(edge, left.pending.token, 'pending'), 'pending');
  const scanned = await registered(edge, testCode(left.unscanned), 'unscanned');
  await give(await tanOf(edge, scanned, 'unscanned'), 'unscanned');
  for (const text of [left.teleTan, left.card]) {
    const token = await registered(edge, taken(typeCode(text), 'code'), `code ${text}`);
    await give(await tanOf(edge, token, `code ${text}`), `code ${text}`);
  }
  await give(left.given.tan, 'given');

  const fresh = new EnxApp(edge, left.apiKey, 'app of a code');
  await fresh.open(left.code);
  const old = new EnxApp(edge, left.apiKey, left.app.name);
  await old.store.save(left.app.state);
  for (const app of [fresh, old]) shared.push(...(await app.share(left.now)));
  return shared;
}

/** What was used stays used, and says so as before. */
async function* tryAgain(edge: LocalEdge, left: Left): AsyncGenerator<string> {
  const ports = phonePorts(edge, 'again');
  const again = await upload(left.used.tan, contentOf(keysOf(left.used.name, left.now)), ports);
  if (!again.ok) yield `an upload that was stored is not answered as stored: ${JSON.stringify(again.error)}`;
  const others = await upload(left.used.tan, contentOf(keysOf('somebody else', left.now)), ports);
  if (others.ok || others.error.kind !== 'ask-hotline') yield `a used TAN was taken: ${JSON.stringify(others)}`;
  const result = await testResult(left.given.token, ports);
  if (!result.ok || result.value !== 'positive') yield `a session forgot its result: ${JSON.stringify(result)}`;
  const same = await tan(left.given.token, ports);
  if (!same.ok || same.value !== left.given.tan)
    yield 'a session gives another TAN than the one that it gave, which is unused';
}

async function* staffGoesOn(url: string, left: Left): AsyncGenerator<string> {
  const staff = new StaffBrowser(url, left.cookies);
  const { proposals, version } = await new ParameterPortal(url).status();
  if (version !== 1 || proposals[0]?.id !== left.proposal)
    yield 'the parameters that wait for a second person are gone';
  await agree(url, left.proposal);
  const audit = await staff.page('/staff/audit');
  for (const action of ['cards.made', 'teletan', 'parameters']) {
    if (!audit.includes(action)) yield `the audit log has no ${action}`;
  }
  if (staff.cookies['__Host-staff'] !== left.cookies['__Host-staff']) yield 'the session of staff began anew';
  const batches = await staff.page('/staff/batches');
  if (!batches.includes('releases')) yield 'the batch of cards is gone';
}

/** A phone that had the first version of the parameters gets the second. */
async function* parametersGoOn(edge: LocalEdge, left: Left, now: number): AsyncGenerator<string> {
  const { state, outcome } = await updateParameters(parametersOf(edge), left.parameters, now);
  if (!outcome.ok || outcome.value !== 'new') yield `parameters: ${JSON.stringify(outcome)}`;
  if (state.head?.version !== 2) yield `parameters: version ${state.head?.version}, 2 was agreed to`;
}

/** @param all keys that had to come out @param none that had not to */
function* judge(downloads: Downloads, all: readonly string[], none: readonly string[]): Generator<string> {
  for (const [way, received] of Object.entries(downloads.received)) {
    const had = new Set(received);
    if (had.size !== received.length) yield `${way}: ${received.length - had.size} keys came twice`;
    const missing = all.filter((key) => !had.has(key)).length;
    if (missing > 0) yield `${way}: ${missing} of ${all.length} keys are missing`;
    const back = none.filter((key) => had.has(key)).length;
    if (back > 0) yield `${way}: ${back} keys that were taken back came out`;
  }
}

/**
 * Plays the second part.
 *
 * @param edge whose clock stands where the first part broke off
 * @param peer that it polls; the batches of the first part are sealed anew, the same
 * @param left of the first part
 * @param hours so many are sealed
 * @returns how it came out
 * @throws Error naming the step that could not be done
 */
export async function playAfter(edge: LocalEdge, peer: PeerFeed, left: Left, hours: number): Promise<Ending> {
  const problems: string[] = [];
  const collect = async (found: AsyncIterable<string> | Iterable<string>): Promise<void> => {
    for await (const problem of found) problems.push(problem);
  };
  const { url } = edge;
  const clock = await readClock(url);
  if (clock !== left.now) problems.push(`the clock says ${clock}, it was ${left.now}`);
  peer.now = left.now;
  while (peer.batches.length < left.batches) peer.seal(batchOf(peer.batches.length + 1));

  await collect(staffGoesOn(url, left));
  await collect(tryAgain(edge, left));
  taken(await withdraw(left.secrets, phonePorts(edge, 'withdrawal')), 'withdrawal');
  const shared = await shareAll(edge, left);
  peer.seal(batchOf(left.batches + 1));

  let { downloads } = left;
  let now = left.now - (left.now % HOUR) + 60;
  for (let hour = 0; hour < hours; hour += 1) {
    now += HOUR;
    await moveClock(url, now);
    await pollPeer(edge, peer, now);
    downloads = await download(edge, now, downloads);
  }
  await collect(parametersGoOn(edge, left, now));
  const takenBack = new Set(hexOf(left.secrets));
  const own = [...left.sealed, ...left.waiting, ...shared].filter((key) => !takenBack.has(key));
  const theirs = [...peer.batches.keys()].flatMap((batch) => hexOf(batchOf(batch + 1)));
  await collect(judge(downloads, [...own, ...theirs], [...takenBack]));
  const { regions, idle } = await status(url);
  const late = regions.filter(
    ({ failing, lastIndexedHour }) => failing || lastIndexedHour !== Math.floor(now / HOUR) - 1,
  );
  if (!idle || late.length > 0) problems.push(`what is published stands still: ${JSON.stringify(late)}`);
  return { problems, now, shared: own.length };
}
