/**
 * @module A rollback as people do it, with all Workers and the real commands: a hotline's agent hands out codes to people who were never infected; one person asks, another confirms, and the next hour is
 * without those keys. Whoever was honest is untouched.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, it } from 'vitest';
import type { VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { Rollback } from '../../domain/rollback.ts';
import { typeCode } from '../../phone/verification/codes.ts';
import { register, tan as requestTan, testResult } from '../../phone/verification/verification.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import { byteSource } from '../../scripts/support/patients.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';
import { patientKeys, payloadOf, START, startSystem, type System } from '../conformance/support/system.ts';
import { runCommand } from '../support/processes.ts';
import { names, publishedKeys } from '../support/published.ts';

const HOUR = 3600;
const TODAY = new Date(START * 1000).toISOString().slice(0, 10);
const FORGER = 'agent-7@example.org';
const folder = temporaryFolder('rollback');
let system: System;

beforeAll(async () => {
  const vars = {
    upload: { ANSWER_DEADLINE_MS: '0' },
    verification: { ANSWER_DEADLINE_MS: '0' },
    origin: { MIN_KEYS: '28', MIN_UPLOADS: '2' },
  };
  system = await startSystem({ vars, state: join(folder.path, 'state') });
});
afterAll(async () => {
  await system.edge.dispose();
  folder.remove();
});

/** A TAN by a teleTAN of the forger's, as a phone gets it. */
async function forgedTan(): Promise<string | null> {
  const { VERIFICATION } = await system.edge.miniflare.getBindings<{ VERIFICATION: VerificationBackOfficeRpc }>(
    'exposure-edge-portal',
  );
  const code = typeCode((await VERIFICATION.issueTeleTan(FORGER))?.teleTan ?? '');
  if (!code.ok) return null;
  const ports = { fetch, verificationUrl: system.edge.url, random: byteSource('forger') };
  const token = await register(code.value, ports);
  if (!token.ok) throw new Error(token.error.kind);
  await testResult(token.value, ports);
  const got = await requestTan(token.value, ports);
  return got.ok ? got.value : null;
}

const uploadWith = async (tan: string, label: string) =>
  (await system.upload(tan, payloadOf(patientKeys(label, START)))).status;
const command = (...args: string[]) => runCommand(['scripts/rollback.ts', ...args, '--url', system.edge.url, '--json']);
const shares = ['--first', join(folder.path, '1.txt'), '--second', join(folder.path, '2.txt')];
const target = ['--kind', 'hotline', '--name', FORGER, '--from', TODAY, '--to', TODAY];
const keysOfPeople = (labels: readonly string[]) => names(labels.flatMap((label) => patientKeys(label, START)));

it('is asked for by one, confirmed by another, and its keys are gone with the next hour', async ({ expect }) => {
  const [one, two] = [shares[1]!, shares[3]!];
  const split = [join(folder.path, 'state/undo-private.pem'), '--first', one, '--second', two];
  const made = await runCommand([
    'scripts/undo-key.ts',
    'split',
    ...split,
    '--public',
    join(folder.path, 'public.pem'),
  ]);
  expect(made).toMatchObject({ code: 0 });

  const honest = ['anna', 'ben', 'carla'];
  for (const [n, tan] of (await system.tans(honest.length)).entries()) {
    expect(await uploadWith(tan, honest[n] ?? '')).toBe(200);
  }
  // 42 keys are of two uploads at least: as much as a chunk by themselves.
  const forged = ['forged 1', 'forged 2', 'forged 3'];
  for (const label of forged) expect(await uploadWith((await forgedTan()) ?? '', label)).toBe(200);
  const unused = (await forgedTan()) ?? '';
  await moveClock(system.edge.url, START + HOUR);
  expect(names(await publishedKeys(system.edge, 'DE'))).toEqual(keysOfPeople([...honest, ...forged]));
  expect(await uploadWith((await forgedTan()) ?? '', 'forged and waiting')).toBe(200);

  const planned = await command('plan', ...target, ...shares);
  expect(planned.code).toBe(0);
  const { days } = JSON.parse(planned.stdout) as { days: unknown[] };
  // By steps of 30 keys: of 14, and of 42 and 56.
  const [few, some] = [{ fewerThan: 60 }, { fewerThan: expect.any(Number) as number }];
  expect(days).toMatchObject([
    { region: 'DE', unpublished: few, published: some, mixed: 0, gone: 0 },
    { region: 'EUR', unpublished: few, published: some, mixed: 0, gone: 0 },
  ]);
  const asked = await command('ask', ...target, ...shares);
  const { id } = JSON.parse(asked.stdout) as { id: string };
  expect(await command('confirm', '--id', id, ...shares)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Whoever asked can’t be the second person') as string,
  });

  // Somebody else gives the command, and has the shares.
  const second = 'berta@example.org';
  const confirmed = await command('confirm', '--id', id, ...shares, '--as', second);
  expect(confirmed.code).toBe(0);
  expect(JSON.parse(confirmed.stdout)).toMatchObject({
    confirmedBy: second,
    outcome: { state: 'waiting', dropped: 14, taken: 42, waits: { for: 'hour' } },
  });
  expect(await forgedTan()).toBeNull();
  expect(await uploadWith(unused, 'too late')).not.toBe(200);
  const status = JSON.parse((await command('status')).stdout) as { rollbacks: Rollback[] };
  expect(status.rollbacks).toMatchObject([{ id, confirmedBy: second, outcome: { state: 'waiting' } }]);
  // Whoever gives the command again changes nothing.
  expect(await command('confirm', '--id', id, ...shares)).toMatchObject({ code: 0 });

  await moveClock(system.edge.url, START + 3 * HOUR);
  const head = (await (await fetch(`${system.edge.url}/v1/DE/manifest.json`)).json()) as { payload: string };
  expect((JSON.parse(head.payload) as { revocations?: string }).revocations).toMatch(/^[A-Za-z0-9_-]{43}$/);
  const after = JSON.parse((await command('status')).stdout) as { rollbacks: Rollback[] };
  expect(after.rollbacks[0]?.outcome).toEqual({ state: 'done', dropped: 14, taken: 42, waits: null });
  const later = await command('plan', ...target, ...shares);
  expect((JSON.parse(later.stdout) as { days: unknown[] }).days).toMatchObject([
    { unpublished: 0, published: 0, gone: some },
    { unpublished: 0, published: 0, gone: some },
  ]);
  // No line of any Worker has the key, the rollback or a name.
  const logged = system.log.join('\n');
  for (const secret of ['BEGIN PRIVATE KEY', id, FORGER]) expect(logged).not.toContain(secret);
});
