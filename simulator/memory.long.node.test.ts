/**
 * @module What `npm run simulate` holds. All published files of all hours are in its memory, as a server's, so a file must hold its
 * own bytes and no more (protocol/export/scratch.ts), and keys are named when somebody asks (phone/testing/timeline.ts).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { ROOT } from '../local-edge/workers.ts';

const PHONES = 10_000;
const MEGABYTES = 2_000;

describe('npm run simulate', () => {
  it(`keeps ${PHONES} phones and what was published for them in ${MEGABYTES} MB, by its own figure`, ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'simulate-'));
    try {
      const args = [join(ROOT, 'simulator', 'cli.ts'), '--phones', String(PHONES), '--out', folder];
      const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
      expect(status).toBe(0);
      expect(stdout).toContain('8 of 8 phones found the same matches');
      const peak = Number(/(\d+) MB at most/.exec(stdout)?.[1]);
      expect(peak).toBeGreaterThan(50);
      expect(peak).toBeLessThan(MEGABYTES);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
