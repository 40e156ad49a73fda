/**
 * @module The two logs after the storm: the event log, with everything public made again from it, and the portal's audit log.
 */
import { ROOT } from '../../local-edge/workers.ts';
import { runChild } from '../support/command-line/child.ts';
import { signedInAs } from './taking-back.ts';

/** The portal says it where the chain is whole, and an alarm where it isn't. */
const WHOLE = /The chain of (?:entries|the latest entries) is unbroken/;

/**
 * @param state of the edge, which isn't running
 * @returns what `npm run log -- verify` and `npm run rebuild -- --verify` found, a line each; none when all is well
 */
export async function verifyEventLog(state: string): Promise<string[]> {
  const found: string[] = [];
  for (const call of [
    ['scripts/log.ts', 'verify'],
    ['scripts/rebuild.ts', '--verify'],
  ]) {
    const ended = await runChild('sh', ['scripts/run.sh', ...call, '--state', state], { cwd: ROOT, output: 'kept' });
    if (ended.code !== 0) found.push(`${call.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`);
  }
  return found;
}

/** @param url of the edge @param now Unix seconds of its clock @returns what is wrong with the portal's audit log; none when all is well */
export async function verifyAuditLog(url: string, now: number): Promise<string[]> {
  const headers = { ...signedInAs('carla@example.org', 'auditor', now), 'accept-language': 'en' };
  const response = await fetch(`${url}/staff/audit`, { headers });
  const page = await response.text();
  return response.status === 200 && WHOLE.test(page)
    ? []
    : [`the audit log: ${response.status}, its chain isn't whole`];
}
