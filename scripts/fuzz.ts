/**
 * @module `npm run fuzz`: seeded, structure-aware inputs against the routes of a running local edge that take bodies from strangers: uploads of both dialects, and of Google's the device API, statistics and the administrators'
 * API. Every answer must be one that the dialect documents, those of a door of one size with one set of headers, and none may take longer than a phone waits.
 * Traffic goes to 127.0.0.1 alone.
 */
import { Agent, request } from 'node:http';
import { LOCAL_VARS } from '../local-edge/workers.ts';
import { JSON_FLAG, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { compactProblem } from './fuzz/compact-inputs.ts';
import { drawGoogleInput, type GoogleWorld } from './fuzz/google-inputs.ts';
import { Draw, drawInput, type FuzzInput } from './fuzz/inputs.ts';
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { importLocally } from './support/authorities.ts';
import { issueCodes, issueTans, makeApiKey, setClock, setCodeQuota } from './support/operator.ts';
import { byteSource } from './support/patients.ts';
import { drawCertifier } from './support/publish-requests.ts';
import { writeReport } from './support/report.ts';

/** 2026-06-15 12:00 UTC; the edge's clock stands still, so that a seed gives the same answers every time. */
const NOW = 1_781_524_800;
const AT_ONCE = 32;
const HANG_MS = 10_000;
const PROGRESS_EVERY = 100;
/** A shorter run shows that it works, not how well. */
const REPORTED_INPUTS = 200_000;
/** Codes that some inputs may take. */
const CODES = 50;
const MOST_CODES_A_DAY = 100_000;

interface Shape {
  readonly status: number;
  /** Header names and lengths of values, status line excluded but for what the pad header makes up. */
  readonly size: number;
  readonly names: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });

/** By Node's own client: `fetch` lets nobody say which host is meant. */
function send(url: string, { path, headers, body }: FuzzInput): Promise<Shape> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': body.byteLength };
    const signal = AbortSignal.timeout(HANG_MS);
    const sent = request(
      `${url}${path}`,
      { method: 'POST', headers: { ...headers, ...length }, agent, signal },
      (answer) => {
        let bytes = 0;
        answer.on('data', (part: Buffer) => (bytes += part.length));
        answer.on('error', reject);
        answer.on('end', () => {
          const shown = Object.entries(answer.headers).filter(([name]) => name !== 'date');
          resolve({
            status: answer.statusCode ?? 0,
            size: shown.reduce(
              (sum, [name, value]) => sum + name.length + String(value).length,
              (answer.statusMessage ?? '').length + bytes,
            ),
            names: shown.map(([name]) => name).join(),
          });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A health authority in force, API keys, and codes. */
async function googleWorld(url: string): Promise<GoogleWorld> {
  const certifier = drawCertifier(byteSource('fuzz'));
  await importLocally(url, [{ ...certifier.authority, stats: true }]);
  const [device, admin] = [await makeApiKey(url, 'device', 'fuzz'), await makeApiKey(url, 'admin', 'fuzz')];
  await setCodeQuota(url, `key:${admin.id}`, MOST_CODES_A_DAY);
  const issued = await issueCodes(url, CODES, { testType: 'confirmed', symptomDate: null, testDate: null, long: true });
  return {
    now: NOW,
    certifier,
    deviceKey: device.key,
    adminKey: admin.key,
    adminHost: LOCAL_VARS['portal']?.['ADMIN_API_HOST'] ?? '',
    codes: issued.map(({ longCode }) => longCode ?? ''),
  };
}

await run(
  {
    name: 'npm run fuzz',
    summary: `Sends N bent requests, half of them uploads of Corona-Warn-App's dialect and half of Google's, and checks each answer; as many bent compact chunks are read beside them. On a failure it prints seed and number of the input, which repeat it. From
      ${REPORTED_INPUTS} inputs on it writes benchmarks/results/fuzz.md.`,
    options: {
      inputs: wholeNumber('how many', { min: 1, max: 10_000_000, default: 200_000 }),
      seed: wholeNumber('same seed, same inputs', { min: 0, max: 1_000_000_000, default: 1 }),
      json: JSON_FLAG,
    },
    examples: ['npm run fuzz -- --inputs 4000 --seed 1'],
  },
  async ({ inputs, seed }, { progress, print }) => {
    const edge = await startLocalEdge({
      vars: { upload: { ANSWER_DEADLINE_MS: '0' }, verification: { ANSWER_DEADLINE_MS: '0' } },
      onLog: () => undefined,
    });
    try {
      await setClock(edge.url, NOW);
      const [tan = ''] = await issueTans(edge.url, 1);
      const world = await googleWorld(edge.url);
      const statuses = new Map<string, number>();
      const shapes = new Map<string, Set<string>>();
      const failures: { input: number; problem: string }[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < inputs && failures.length < 20) {
          const number = next++;
          // Each input has a draw of its own, so that its number alone repeats it.
          const draw = new Draw(seed * 1_000_003 + number);
          const problem = compactProblem(draw);
          if (problem !== null) failures.push({ input: number, problem: `compact chunk: ${problem}` });
          const input = number % 2 === 0 ? drawInput(draw, NOW, tan) : drawGoogleInput(draw, world);
          const { door, allowed } = input;
          try {
            const shape = await send(edge.url, input);
            const counted = `${door} ${shape.status}`;
            statuses.set(counted, (statuses.get(counted) ?? 0) + 1);
            if (door !== 'admin') shapes.set(door, (shapes.get(door) ?? new Set()).add(`${shape.size} ${shape.names}`));
            if (!allowed.includes(shape.status))
              failures.push({ input: number, problem: `${input.path}: status ${shape.status}` });
          } catch (error) {
            failures.push({
              input: number,
              problem: /^(Abort|Timeout)Error$/.test((error as Error).name) ? 'hangs' : String(error),
            });
          }
          if (number % PROGRESS_EVERY === 0) progress('inputs', number, inputs);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      progress('inputs', next, inputs);
      for (const [door, seen] of shapes) {
        if (seen.size > 1)
          failures.push({ input: -1, problem: `${door}: ${seen.size} shapes of answers: ${[...seen].join(' | ')}` });
      }
      const counts = Object.fromEntries([...statuses].toSorted(([a], [b]) => (a < b ? -1 : 1)));
      const last = `${inputs} inputs, seed ${seed}: statuses ${JSON.stringify(counts)}, ${failures.length} failures`;
      if (inputs >= REPORTED_INPUTS) {
        const command = `npm run fuzz -- --inputs ${inputs} --seed ${seed}`;
        const body = `${last}; one size and one set of headers at each door but the administrators'.`;
        writeReport('fuzz', { title: 'Bent requests', command, body });
      }
      const lines = failures.map(({ input, problem }) => `input ${input}: ${problem}`);
      print({ inputs, seed, statuses: counts, failures }, [...lines, last].join('\n'));
      return failures.length === 0 ? 0 : 1;
    } finally {
      agent.destroy();
      await edge.dispose();
    }
  },
);
