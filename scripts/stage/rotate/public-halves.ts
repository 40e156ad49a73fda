/** @module Public halves after a phase: the present ones where `init` wrote them, the next one beside them while it is announced, and former ones kept by their day, since what they verify is kept, too. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isSigningKey, publicPem } from '../../../local-edge/draw-secrets.ts';
import { dateOf } from '../../../protocol/gaen/intervals.ts';
import type { StagePlaces } from '../file/places.ts';
import { writePublicHalves } from '../secrets/init.ts';
import { publicFileOf } from '../secrets/inventory.ts';

const NEXT = 'next_';

/**
 * Idempotent. A crash within it leaves some files of before, which the next run replaces: a former half is renamed before the new one is written.
 *
 * @param places of the stage
 * @param secrets of it
 * @param now Unix seconds
 */
export function writeHalves(places: StagePlaces, secrets: Readonly<Record<string, string>>, now: number): void {
  const wanted = new Set<string>();
  for (const [secret, value] of Object.entries(secrets)) {
    const file = publicFileOf(secret);
    if (file === null) continue;
    wanted.add(file);
    const path = join(places.public, file);
    const pem = isSigningKey(secret) ? publicPem(value) : value;
    if (!file.startsWith(NEXT) && existsSync(path) && readFileSync(path, 'utf8') !== pem) {
      renameSync(path, join(places.public, formerName(places.public, file, now)));
    }
  }
  writePublicHalves(places, secrets);
  for (const file of readdirSync(places.public)) {
    if (file.startsWith(NEXT) && !wanted.has(file)) rmSync(join(places.public, file));
  }
}

/** @returns `log.until-2026-11-26.pem`, or with a number where that is taken */
function formerName(folder: string, file: string, now: number): string {
  const stem = `${file.replace(/\.pem$/, '')}.until-${dateOf(now)}`;
  for (let n = 1; ; n++) {
    const name = `${stem}${n === 1 ? '' : `-${n}`}.pem`;
    if (!existsSync(join(folder, name))) return name;
  }
}
