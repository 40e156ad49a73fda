/** @module The attacks of `npm run attack`, in a small and fast form: every verdict holds, and the faults put there are found. */
import { describe, it } from 'vitest';
import { attackCover } from '../../scripts/attack/cover.ts';
import { attackJoin } from '../../scripts/attack/join.ts';
import { takenOverLaboratory } from '../../scripts/attack/taken-over/laboratory.ts';
import { takenOverConfig } from '../../scripts/attack/taken-over/config.ts';
import { takenOverIndex } from '../../scripts/attack/taken-over/index.ts';
import { takenOverPortal } from '../../scripts/attack/taken-over/portal.ts';
import { takenOverUpload } from '../../scripts/attack/taken-over/upload.ts';

const SEED = 1;
const quiet = (): void => undefined;

describe('npm run attack', () => {
  it('cover: times tell no test from cover, and did with the former schedule', async ({ expect }) => {
    const verdicts = await attackCover(150, SEED, [], quiet);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.startsWith('fault put there'))).toHaveLength(1);
  });

  it('join: no test has fewer than 50 candidate keys but where docs/privacy.md says so', async ({ expect }) => {
    const verdicts = await attackJoin({ single: 6, full: 6 }, SEED, quiet);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.startsWith('fault put there'))).toHaveLength(3);
  });

  it('taken-over: upload gets one payload for each TAN that passed, and takes back nobody’s keys', async ({
    expect,
  }) => {
    const verdicts = await takenOverUpload(SEED, quiet);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.includes('fault put there'))).toHaveLength(6);
  });

  it('taken-over: portal reaches nothing of phones, upload and laboratories', async ({ expect }) => {
    const verdicts = await takenOverPortal(SEED, quiet);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.includes('fault put there'))).toHaveLength(1);
  });

  it('taken-over: laboratory gets one TAN a day for a registered test, and no door, ledger or list', async ({
    expect,
  }) => {
    const verdicts = await takenOverLaboratory(SEED, quiet);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.includes('fault put there'))).toHaveLength(1);
  });

  it.for([takenOverIndex, takenOverConfig])('taken-over: %o stops no publishing', async (attack, { expect }) => {
    const verdicts = await attack(SEED, quiet, 2);
    expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
    expect(verdicts.filter(({ what }) => what.includes('fault put there'))).toHaveLength(1);
  });
});
