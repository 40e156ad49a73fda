/**
 * @module Builds a program of others with Go, once, into a folder of `.cache/`: k6, and the S3 server that `npm run serve` is tried with. They are run, never
 * linked or copied into this project.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { childEnd } from './command-line/child.ts';

/** What is built. */
export interface GoProgram {
  readonly name: string;
  /** Pinned: `go.k6.io/k6@v1.8.1`. */
  readonly module: string;
  /** Absolute. */
  readonly folder: string;
}

/** @returns whether there is a Go toolchain on PATH */
export const hasGo = (): boolean => spawnSync('go', ['version']).status === 0;

/**
 * Builds it, showing that it is at work on stderr.
 *
 * @throws Error with Go's last lines when the build fails
 */
export async function goInstall({ name, module, folder }: GoProgram): Promise<void> {
  mkdirSync(folder, { recursive: true });
  process.stderr.write(`${name}: building ${module} (once, about a minute on two idle cores) …\n`);
  const started = Date.now();
  let last = '';
  const go = spawn('go', ['install', '-v', module], {
    env: { ...process.env, GOBIN: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  let packages = 0;
  go.stderr.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n').filter((part) => part !== '')) {
      lines.push(line);
      if (!line.startsWith('go: ')) packages += 1;
      last = line;
    }
  });
  const progress = setInterval(() => {
    const seconds = Math.round((Date.now() - started) / 1000);
    process.stderr.write(`${name}: ${seconds} s, ${packages} packages compiled, now ${last.slice(0, 80)}\n`);
  }, 10_000);
  const code = await childEnd(go).finally(() => clearInterval(progress));
  if (code !== 0) {
    throw new Error(
      `${name}: go install ${module} ended with ${code}; its last lines:\n${lines.slice(-8).join('\n')}\n` +
        'Is the Go module proxy reachable, and is the Go toolchain ≥ 1.24?',
    );
  }
}
