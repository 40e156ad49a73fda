/**
 * @module Finds the Chromium that browser tests drive, and installs Debian's where that is possible (root, apt-get).
 * `node scripts/chromium.ts` prints its path. The environment variable CHROMIUM names another one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const USUAL_PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** What to do where there is none. */
const HOW_TO_INSTALL =
  'No Chromium was found. Install it (Debian: apt-get update && apt-get install -y chromium) or name it in CHROMIUM.';

/** @returns absolute path of a Chromium, or null */
export function findChromium(): string | null {
  const named = process.env['CHROMIUM'];
  if (named !== undefined && named !== '') return existsSync(named) ? named : null;
  return USUAL_PLACES.find((path) => existsSync(path)) ?? null;
}

/**
 * Finds Chromium; as root on a Debian without it, installs it first.
 *
 * @returns absolute path
 * @throws Error that says how to install it
 */
export function requireChromium(): string {
  const found = findChromium();
  if (found !== null) return found;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    execFileSync('apt-get', ['update'], options as never);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], options as never);
  }
  const installed = findChromium();
  if (installed === null) throw new Error(HOW_TO_INSTALL);
  return installed;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${requireChromium()}\n`);
}
