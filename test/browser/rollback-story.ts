/** @module Rollbacks of a whole deployment in every state that its page shows: for pictures, and for what axe sees. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RollbackPlan } from '../../domain/rollback.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { command, moveClock } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, UPLOAD_PATH } from '../conformance/support/system.ts';
import type { Portal } from './portal-rig.ts';

/** Operators who vouched for people, and how many of these shared fourteen keys each while they were not suspected. */
const PUBLISHED = { 'agent-1': 12, 'agent-2': 3, 'agent-3': 11, 'agent-4': 10 };
/** And in the running hour: their keys wait. */
const WAITING = { 'agent-1': 2, 'agent-5': 2 };
const addressOf = (name: string): string => `${name}@example.org`;

/**
 * Plays it; the clock stands two hours before `now`, and at `now` afterwards. Five rollbacks are there then: two that wait for a second person, asked for by `anna` and by `berta`; one
 * whose keys wait for company, one that waits for the undo key, one that is done.
 *
 * @param now Unix seconds, a full hour
 * @throws Error when an upload or a command is refused
 */
export async function playRollbacks(portal: Portal, now: number): Promise<void> {
  const { url, state } = portal.edge;
  const undoKey = readFileSync(join(state, 'undo-private.pem'), 'utf8');
  const today = Math.floor(now / 86_400);
  const as = (name: string, at: number): Record<string, string> => {
    const identity = { name: addressOf(name), roles: ['operator'], provider: '', at };
    return { cookie: `local-identity=${encodeURIComponent(JSON.stringify(identity))}` };
  };
  const share = async (uploads: Readonly<Record<string, number>>, at: number): Promise<void> => {
    for (const [name, count] of Object.entries(uploads)) {
      const { tans } = (await command(url, 'POST', '/operator/tans', { count }, [], as(name, at))) as {
        tans: string[];
      };
      for (const [n, tan] of tans.entries()) {
        const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
        const keys = patientKeys(`${name} ${at} ${n}`, at);
        const body = new Uint8Array(encodeSubmissionPayload(payloadOf(keys)));
        const { status } = await fetch(`${url}${UPLOAD_PATH}`, { method: 'POST', headers, body });
        if (status !== 200) throw new Error(`upload: status ${status}`);
      }
    }
  };
  const ask = async (by: string, of: string, at: number): Promise<string> => {
    const target = { kind: 'staff', name: addressOf(of), fromDay: today, toDay: today };
    const asked = await command(url, 'POST', '/operator/rollback/ask', { target, undoKey }, [], as(by, at));
    return (asked as RollbackPlan & { id: string }).id;
  };
  const confirm = (by: string, id: string, at: number): Promise<unknown> =>
    command(url, 'POST', '/operator/rollback/confirm', { id, undoKey }, [], as(by, at));

  await share(PUBLISHED, now - 7200);
  await moveClock(url, now - 3600);
  await confirm('dora', await ask('clara', 'agent-3', now - 3600), now - 3600);
  await moveClock(url, now);
  await share(WAITING, now);
  await confirm('dora', await ask('clara', 'agent-5', now), now);
  await ask('emil', 'agent-4', now);
  const page = await portal.signIn({ name: addressOf('fay'), roles: ['operator'] });
  await page.goto(`${url}/staff/rollbacks`);
  await page.getByRole('button', { name: 'Confirm the rollback' }).click();
  await page.getByText('The rollback is confirmed.').waitFor();
  await page.close();
  await ask('anna', 'agent-2', now);
  await ask('berta', 'agent-1', now);
}
