/**
 * @module Posts a table in batches (docs/laboratory.md): what a batch is refused for is taken out of it, what fails on the way is tried
 * again. Everything may be sent again at any time, since an equal row changes nothing.
 */
import type { Line, Refused, WireRow } from './rows.ts';

/** What the server said. */
export interface Reply {
  readonly status: number;
  /** Text of the body. */
  readonly body: string;
  /** Seconds of `retry-after`, or null. */
  readonly retryAfter: number | null;
}

/** Sends one request; throws when no answer comes. */
export type Send = (body: string) => Promise<Reply>;

/** How to post. */
export interface PostOptions {
  readonly send: Send;
  /** Rows of a request at most: 5,000 is the server's limit, a line with a date of birth is two. */
  readonly batchRows: number;
  /** Requests for one batch that fail on the way, before it is given up. */
  readonly attempts: number;
  /** @param ms to wait */
  readonly sleep: (ms: number) => Promise<void>;
  /** 0 ≤ x < 1, so that laboratories that failed together don't come again together. */
  readonly random: () => number;
  readonly onProgress: (done: number, total: number) => void;
}

/** What became of it. */
export interface Posted {
  readonly stored: number;
  readonly refused: readonly Refused[];
  /** Lines of which it isn't known whether they are stored. */
  readonly notStored: readonly Refused[];
  readonly requests: number;
  /** Why it ended early, or null. */
  readonly stopped: string | null;
}

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

type BatchOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'rows'; readonly rows: ReadonlyMap<number, string> }
  | { readonly kind: 'stop'; readonly reason: string };

/** @param lines in the order in which they are posted @param options see {@link PostOptions} */
export async function postLines(lines: readonly Line[], options: PostOptions): Promise<Posted> {
  const refused: Refused[] = [];
  let [stored, done, requests] = [0, 0, 0];
  let stopped: string | null = null;
  const send: Send = (body) => {
    requests++;
    return options.send(body);
  };
  const batches = inBatches(lines, options.batchRows);
  while (stopped === null) {
    const batch = batches.shift();
    if (batch === undefined) break;
    const outcome = await postBatch(batch, { ...options, send });
    if (outcome.kind === 'stored') stored += batch.length;
    if (outcome.kind === 'stop') {
      stopped = outcome.reason;
      batches.unshift(batch);
    }
    if (outcome.kind === 'rows') {
      const reasons = reasonsByLine(batch, outcome.rows);
      for (const { line } of batch) if (reasons.has(line)) refused.push({ line, reason: reasons.get(line) ?? '' });
      const left = batch.filter(({ line }) => !reasons.has(line));
      if (left.length > 0) batches.unshift(left);
    }
    done = stored + refused.length;
    options.onProgress(done, lines.length);
  }
  const notStored = batches.flat().map(({ line }) => ({ line, reason: `not known to be stored: ${stopped ?? ''}` }));
  return { stored, refused, notStored, requests, stopped };
}

/** A line's rows stay together: in one request those with a date of birth are stored first. */
function inBatches(lines: readonly Line[], batchRows: number): Line[][] {
  const batches: Line[][] = [];
  let room = 0;
  for (const line of lines) {
    if (line.rows.length > room) {
      batches.push([]);
      room = batchRows;
    }
    batches.at(-1)?.push(line);
    room -= line.rows.length;
  }
  return batches;
}

/** Positions in the request → lines of the file. */
function reasonsByLine(batch: readonly Line[], rows: ReadonlyMap<number, string>): Map<number, string> {
  const owners = batch.flatMap(({ line, rows: own }) => own.map(() => line));
  const reasons = new Map<number, string>();
  for (const [position, reason] of rows) {
    const line = owners[position];
    if (line !== undefined) reasons.set(line, reason);
  }
  return reasons;
}

async function postBatch(batch: readonly Line[], options: PostOptions): Promise<BatchOutcome> {
  const testResults: WireRow[] = batch.flatMap(({ rows }) => rows);
  const body = JSON.stringify({ testResults });
  let failure = '';
  for (let attempt = 1; attempt <= options.attempts; attempt++) {
    let wait = FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + options.random() / 2);
    try {
      const reply = await options.send(body);
      if (reply.status === 204) return { kind: 'stored' };
      if (reply.status < 500 && reply.status !== 429) return refusal(reply, testResults.length);
      failure = `the server answers ${reply.status}`;
      if (reply.retryAfter !== null) wait = Math.max(wait, reply.retryAfter * 1000);
    } catch (error) {
      failure = (error as NodeJS.ErrnoException).code ?? 'no answer';
    }
    if (attempt < options.attempts) await options.sleep(Math.min(wait, LONGEST_WAIT_MS));
  }
  return { kind: 'stop', reason: `${failure}, ${options.attempts} times` };
}

/** What a request was refused for: rows of it, or all that this sender could send. */
function refusal({ status, body }: Reply, count: number): BatchOutcome {
  const said = parsed(body);
  const error = typeof said['error'] === 'string' ? said['error'] : '';
  const isPosition = (position: unknown): position is number =>
    typeof position === 'number' && Number.isInteger(position) && position >= 0 && position < count;
  const foreign = Array.isArray(said['rows']) ? said['rows'].filter((one) => isPosition(one)) : [];
  if (status === 409 && foreign.length > 0) {
    return { kind: 'rows', rows: new Map(foreign.map((at) => [at, 'another laboratory has posted this test'])) };
  }
  const [, position = '', rule = ''] = /^testResults\[(\d+)\]\.?(.*)$/s.exec(error) ?? [];
  if (status === 400 && position !== '' && isPosition(Number(position))) {
    return { kind: 'rows', rows: new Map([[Number(position), `the server refuses it: ${rule}`]]) };
  }
  return { kind: 'stop', reason: `the server answers ${status}${error === '' ? '' : `: ${error}`}` };
}

function parsed(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
