/**
 * @module `npm run fuzz`: seeded, structure-aware inputs against the upload route of a running local edge. Every answer
 * must be one that the dialect documents, of one size with one set of headers, and none may take longer than a phone waits.
 * Traffic goes to 127.0.0.1 alone.
 */
import { JSON_FLAG, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { Draw, drawInput, type FuzzInput } from './fuzz/inputs.ts';
import { startLocalEdge } from '../local-edge/local-edge.ts';
import { issueTans, setClock } from './support/operator.ts';
import { writeReport } from './support/report.ts';

/** 2026-06-15 12:00 UTC; the edge's clock stands still, so that a seed gives the same answers every time. */
const NOW = 1_781_524_800;
const AT_ONCE = 32;
const HANG_MS = 10_000;
const PROGRESS_EVERY = 100;
/** A shorter run shows that it works, not how well. */
const REPORTED_INPUTS = 200_000;
const UPLOAD_PATH = '/version/v1/diagnosis-keys';

interface Shape {
  readonly status: number;
  /** Header names and lengths of values, status line excluded but for what the pad header makes up. */
  readonly size: number;
  readonly names: string;
}

async function send(url: string, input: FuzzInput): Promise<Shape> {
  const response = await fetch(`${url}${UPLOAD_PATH}`, {
    method: 'POST',
    headers: input.headers,
    body: new Uint8Array(input.body),
    signal: AbortSignal.timeout(HANG_MS),
  });
  const body = await response.arrayBuffer();
  const headers = [...response.headers].filter(([name]) => name !== 'date');
  return {
    status: response.status,
    size:
      headers.reduce((sum, [name, value]) => sum + name.length + value.length, response.statusText.length) +
      body.byteLength,
    names: headers.map(([name]) => name).join(),
  };
}

await run(
  {
    name: 'npm run fuzz',
    summary: `Sends N bent uploads and checks each answer. On a failure it prints seed and number of the input, which repeat it. From
      ${REPORTED_INPUTS} inputs on it writes benchmarks/results/fuzz.md.`,
    options: {
      inputs: wholeNumber('how many', { min: 1, max: 10_000_000, default: 200_000 }),
      seed: wholeNumber('same seed, same inputs', { min: 0, max: 1_000_000_000, default: 1 }),
      json: JSON_FLAG,
    },
    examples: ['npm run fuzz -- --inputs 4000 --seed 1'],
  },
  async ({ inputs, seed }, { progress, print }) => {
    const edge = await startLocalEdge({ vars: { upload: { ANSWER_DEADLINE_MS: '0' } }, onLog: () => undefined });
    try {
      await setClock(edge.url, NOW);
      const [tan = ''] = await issueTans(edge.url, 1);
      const statuses = new Map<number, number>();
      const shapes = new Set<string>();
      const failures: { input: number; problem: string }[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < inputs && failures.length < 20) {
          const number = next++;
          // Each input has a draw of its own, so that its number alone repeats it.
          const input = drawInput(new Draw(seed * 1_000_003 + number), NOW, tan);
          try {
            const shape = await send(edge.url, input);
            statuses.set(shape.status, (statuses.get(shape.status) ?? 0) + 1);
            shapes.add(`${shape.size} ${shape.names}`);
            if (!input.allowed.includes(shape.status))
              failures.push({ input: number, problem: `status ${shape.status}` });
          } catch (error) {
            failures.push({
              input: number,
              problem: (error as Error).name === 'TimeoutError' ? 'hangs' : String(error),
            });
          }
          if (number % PROGRESS_EVERY === 0) progress('inputs', number, inputs);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      progress('inputs', next, inputs);
      if (shapes.size !== 1)
        failures.push({ input: -1, problem: `${shapes.size} shapes of answers: ${[...shapes].join(' | ')}` });
      const counts = Object.fromEntries([...statuses].toSorted(([a], [b]) => a - b));
      const last = `${inputs} inputs, seed ${seed}: statuses ${JSON.stringify(counts)}, ${failures.length} failures`;
      if (inputs >= REPORTED_INPUTS) {
        const command = `npm run fuzz -- --inputs ${inputs} --seed ${seed}`;
        writeReport('fuzz', { title: 'Bent uploads', command, body: `${last}; one size and one set of headers.` });
      }
      const lines = failures.map(({ input, problem }) => `input ${input}: ${problem}`);
      print({ inputs, seed, statuses: counts, failures }, [...lines, last].join('\n'));
      return failures.length === 0 ? 0 : 1;
    } finally {
      await edge.dispose();
    }
  },
);
