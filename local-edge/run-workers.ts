/**
 * @module One workerd for given Workers, with state on disk: what every local edge has in common, whichever its Workers come from.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { convertV4MiniflareOptions, type LegacyWorkerOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { noteWorkerd } from './orphan.ts';
import { removeFolder } from './remove-folder.ts';

/** How to run them. */
export interface RunOptions {
  /** State directory. */
  readonly state: string;
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** The first one gets what no route names. */
  readonly workers: LegacyWorkerOptions[];
  /** Gets every line that a Worker prints. */
  readonly onLog: (line: string) => void;
  /** Every Worker's V8 inspector on a free loopback port. */
  readonly inspect?: boolean;
}

/**
 * Where Miniflare and its workerd keep what no restart needs, below the state directory. Miniflare's own folder in the system's
 * temporary one stays behind at Ctrl-C, when workerd writes while it is being removed.
 */
const SCRATCH = 'scratch';

/** @param state the state directory; @returns the folder in it that no restart needs */
export const scratchOf = (state: string): string => join(state, SCRATCH);

/** Miniflare asks for the system's temporary folder once, when it is made. */
function withTemporaryFolder<T>(folder: string, make: () => T): T {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    return make();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}

const optionsOf = ({ state, port, workers, onLog, inspect }: RunOptions): ConstructorParameters<typeof Miniflare>[0] =>
  convertV4MiniflareOptions({
    host: '127.0.0.1',
    port,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    handleStructuredLogs: ({ message }: { readonly message: string }) => onLog(message),
    telemetry: { enabled: false },
    cf: false,
    ...(inspect === true ? { inspectorPort: 0 } : {}),
    // Miniflare 5 takes `durableObjectsPersist` without a word and persists nothing (docs/spec/platform.md §4a).
    resourcePersistencePath: join(state, 'resources'),
    workers,
  });

/**
 * @param options see {@link RunOptions}
 * @returns Miniflare, which is starting: await `ready`, then note its workerd
 */
export function runWorkers(options: RunOptions): Miniflare {
  const scratch = scratchOf(options.state);
  // The folder is of a run that was killed.
  removeFolder(scratch);
  mkdirSync(scratch, { recursive: true });
  return withTemporaryFolder(scratch, () => new Miniflare(optionsOf(options)));
}

/**
 * Runs other Workers from now on, on the same port and state: workerd is started anew, and what it was doing is cut off.
 *
 * @param miniflare that runs
 * @param options as it was started, with other Workers
 */
export async function runOthers(miniflare: Miniflare, options: RunOptions): Promise<void> {
  await miniflare.setOptions(optionsOf(options));
  noteWorkerd(options.state);
}
