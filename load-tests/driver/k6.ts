/**
 * @module `npm run k6`: finds k6, or builds it. k6 is a program of its own under its own licence (AGPL-3.0): it is run, never
 * linked or copied into this project.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { childEnd } from '../../scripts/support/command-line/child.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { goInstall, hasGo } from '../../scripts/support/go-install.ts';

const ROOT = join(import.meta.dirname, '..', '..');
/** Pinned: @types/k6 1.7.0 describes this line of k6. */
export const K6_MODULE = 'go.k6.io/k6@v1.8.1';
const CACHE = join(ROOT, '.cache', 'k6');
/** k6 1.0 is the first that runs TypeScript without a flag. */
const OLDEST_MAJOR = 1;

/** Where a usable k6 is. */
export interface K6 {
  readonly path: string;
  /** e.g. `1.8.1` */
  readonly version: string;
}

/** k6 can be neither found nor built; the message says why and what helps. */
export class K6Unavailable extends Error {
  override name = 'K6Unavailable';
}

/**
 * Reads the version out of what `k6 version` prints.
 *
 * @param text e.g. `k6 v1.8.1 (go1.26.8, linux/amd64)`
 * @returns `1.8.1`, or null when the text is no version of k6
 */
export function versionOf(text: string): string | null {
  return /^k6(?:\.exe)? v(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? null;
}

/**
 * Looks for a k6 ≥ 1.0: on PATH, then in this project's cache folder.
 *
 * @returns the first usable one, or null
 */
export function findK6(): K6 | null {
  for (const path of ['k6', join(CACHE, 'k6')]) {
    const probe = spawnSync(path, ['version'], { encoding: 'utf8', timeout: 20_000 });
    const version = probe.status === 0 ? versionOf(probe.stdout) : null;
    if (version !== null && Number(version.split('.')[0]) >= OLDEST_MAJOR) return { path, version };
  }
  return null;
}

/**
 * Finds k6 or builds the pinned version with Go, showing that it is at work on stderr.
 *
 * @returns where it is
 * @throws K6Unavailable when there is none and Go is missing or its build fails
 */
export async function ensureK6(): Promise<K6> {
  const found = findK6();
  if (found !== null) return found;
  if (!hasGo()) {
    throw new K6Unavailable(
      `k6: none ≥ ${OLDEST_MAJOR}.0 on PATH or in ${CACHE}, and no Go to build it with. Install k6 ` +
        '(https://grafana.com/docs/k6/latest/set-up/install-k6/) or Go ≥ 1.24 and run this again.',
    );
  }
  try {
    await goInstall({ name: 'k6', module: K6_MODULE, folder: CACHE });
  } catch (error) {
    throw new K6Unavailable((error as Error).message);
  }
  const built = findK6();
  if (built === null || !existsSync(join(CACHE, 'k6'))) {
    throw new K6Unavailable(`k6: go install ${K6_MODULE} ended well but left no k6 in ${CACHE}.`);
  }
  process.stderr.write(`k6: ${built.version} is ready (${built.path}).\n`);
  return built;
}

/**
 * Runs k6 in the command's place. A terminal sends Ctrl-C to both, and k6 ends gracefully at the first one, with its summary, but
 * at once at a second: then this process only waits. Without a terminal it hands the signal on.
 */
async function becomeK6({ path }: K6, args: readonly string[]): Promise<number> {
  const child = spawn(path, args, { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal);
    process.on(signal, () => void (signal === 'SIGINT' && process.stdin.isTTY ? null : child.kill(signal)));
  }
  return (await childEnd(child)) ?? 1;
}

if (import.meta.main) {
  await run(
    {
      name: 'npm run -s k6',
      summary: `Runs k6 with what stands behind the dashes, or without it prints where k6 is. k6 is taken from PATH (1.0 or newer), else
        from .cache/k6, where it is built with Go once.`,
      passesOn: {
        placeholder: 'COMMAND …',
        about:
          'a command of k6, and its options, which k6 checks; k6 explains it, once it is there: npm run -s k6 -- help run',
      },
      examples: ['npm run -s k6 -- run load-tests/scenarios/download-steady.ts'],
      exitCodes: "With a COMMAND, k6's own.",
    },
    async (_, { say, rest }) => {
      const k6 = await ensureK6();
      if (rest.length > 0) return becomeK6(k6, rest);
      say(`${k6.path} ${k6.version}`);
      return 0;
    },
  );
}
