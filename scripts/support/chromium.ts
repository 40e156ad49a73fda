/**
 * @module Finds the programs that browser tests drive: Chromium, and poppler's `pdftotext` that reads what was printed.
 * As root on a Debian they are installed when they are missing. `node scripts/support/chromium.ts` prints their paths; the
 * environment variable CHROMIUM names another Chromium.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { run } from './command-line/command.ts';

interface Program {
  /** Where distributions put it. */
  readonly places: readonly string[];
  /** Debian's package. */
  readonly debian: string;
}

const CHROMIUM: Program = {
  places: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  debian: 'chromium',
};
const PDFTOTEXT: Program = { places: ['/usr/bin/pdftotext', '/usr/local/bin/pdftotext'], debian: 'poppler-utils' };

const find = ({ places }: Program): string | null => places.find((path) => existsSync(path)) ?? null;

function require({ places, debian }: Program): string {
  const found = find({ places, debian });
  if (found !== null) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    // Under a lock: another test file may be installing nginx (scripts/edge-tools.sh), and apt-get waits for nobody.
    const apt = (...args: string[]) =>
      execFileSync('flock', ['/var/lib/apt', 'apt-get', ...args], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      });
    apt('update');
    apt('install', '-y', '--no-install-recommends', debian);
  }
  const installed = find({ places, debian });
  if (installed === null) {
    throw new Error(`None of ${places.join(', ')} was found. Debian: apt-get update && apt-get install -y ${debian}`);
  }
  return installed;
}

/**
 * @returns absolute path of a Chromium, installed first where that is possible
 * @throws Error that says how to install it, or that CHROMIUM names nothing
 */
export function requireChromium(): string {
  const named = process.env['CHROMIUM'] ?? '';
  if (named === '') return require(CHROMIUM);
  if (!existsSync(named)) throw new Error(`CHROMIUM names "${named}", which doesn't exist`);
  return named;
}

/** @returns absolute path of `pdftotext`, installed first where that is possible @throws Error that says how to install it */
export const requirePdftotext = (): string => require(PDFTOTEXT);

if (import.meta.main) {
  await run(
    {
      name: 'node scripts/support/chromium.ts',
      summary: `Prints the paths of Chromium and pdftotext. As root on a Debian it installs what is missing. The environment variable
        CHROMIUM names another Chromium.`,
    },
    (_, { say }) => {
      say(requireChromium());
      say(requirePdftotext());
      return 0;
    },
  );
}
