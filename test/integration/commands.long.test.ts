/**
 * @module `npm start` and `npm run tan` as processes: ready line, TANs, a clean end, state that survives, and what happens when
 * they are called wrongly or killed.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, it } from 'vitest';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { encodeSubmissionPayload, type SubmittedKey } from '../../protocol/submission-payload.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { issueTans, moveClock, readClock, setClock } from '../../scripts/support/operator.ts';
import { send } from '../conformance/support/http.ts';
import { patientKeys, payloadOf, PATIENTS, START, startSystem, UPLOAD_PATH } from '../conformance/support/system.ts';
import { runCommand, start, type Running } from '../support/processes.ts';
import { names, publishedKeys } from '../support/published.ts';

const folders: string[] = [];
const folder = (): string => {
  folders.push(mkdtempSync(join(tmpdir(), 'exposure-edge-test-')));
  return folders.at(-1) ?? '';
};
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** Starts an edge on a free port and waits for its ready line. */
async function startEdge(state: string, port = 0): Promise<{ running: Running; url: string }> {
  const running = start(['scripts/start.ts', '--port', String(port), '--state', state]);
  const [, url = ''] = await running.output(/is ready on (http:\/\/127\.0\.0\.1:\d+)/);
  return { running, url };
}

async function uploadTo(url: string, keys: readonly SubmittedKey[]): Promise<number> {
  const [tan = ''] = await issueTans(url, 1);
  const answer = await send(url, UPLOAD_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan },
    body: encodeSubmissionPayload(payloadOf(keys)),
  });
  return answer.status;
}

describe('npm start', () => {
  it('says where it is, issues TANs one a line, shares its state with nobody, and ends cleanly at Ctrl-C', async ({
    expect,
  }) => {
    const state = folder();
    const { running, url } = await startEdge(state);
    const { code, stdout } = await runCommand(['scripts/tan.ts', '--count', '3', '--url', url]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n){3}$/);
    expect(new Set(stdout.trim().split('\n')).size).toBe(3);
    const hotline = await runCommand(['scripts/teletan.ts', '--url', url]);
    expect(hotline).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[2-9A-HJ-NP-Z]{10}\n$/) as string });
    const codes = await runCommand(['scripts/issue-code.ts', '--count', '3', '--type', 'likely', '--url', url]);
    expect(codes).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(\d{8}\n){3}$/) as string });
    const long = await runCommand(['scripts/issue-code.ts', '--long', '--json', '--url', url]);
    expect(JSON.parse(long.stdout)).toEqual([
      expect.objectContaining({ longCode: expect.stringMatching(/^[a-z0-9]{16}$/) }),
    ]);
    const late = await runCommand(['scripts/issue-code.ts', '--test-date', '2020-03-01', '--url', url]);
    expect(late).toMatchObject({ code: 1, stderr: expect.stringContaining('invalid_date') as string });
    expect(statSync(join(state, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(state, 'public.pem')).isFile()).toBe(true);
    for (const hours of [1, 2]) {
      const before = await readClock(url);
      const advanced = await runCommand(['scripts/advance.ts', '--hours', String(hours), '--json', '--url', url]);
      expect(advanced.code).toBe(0);
      const { sealed } = JSON.parse(advanced.stdout) as { sealed: { region: string; hour: string; keys: string }[] };
      const begun = Math.floor(before / SECONDS_PER_HOUR);
      const passed = Array.from({ length: hours }, (_, index) => (begun + index) * SECONDS_PER_HOUR * 1000);
      const expected = passed.map((at) => `${new Date(at).toISOString().slice(0, 16)}Z`);
      for (const region of ['DE', 'EUR']) {
        expect(sealed.filter((one) => one.region === region).map(({ hour }) => hour)).toEqual(expected);
        const head = await fetch(`${url}/v1/${region}/manifest.json`);
        const { issuedAt } = JSON.parse(((await head.json()) as { payload: string }).payload) as { issuedAt: number };
        expect(issuedAt).toBe((begun + hours) * SECONDS_PER_HOUR);
      }
    }
    const again = await runCommand(['scripts/start.ts', '--port', '0', '--state', state]);
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is running on') as string });
    running.kill('SIGINT', 'process');
    expect((await running.ended).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });

  it('keeps keys, clock and signing key over a clean restart, over kill -9 of the parent alone, which leaves workerd behind on the port, and over kill -9 of all', async ({
    expect,
  }) => {
    const state = folder();
    const uploaded = Array.from({ length: PATIENTS }, (_, i) => patientKeys(`restart ${i}`, START));
    const uploadAll = async (url: string, from: number, to: number): Promise<void> => {
      const statuses = await Promise.all(uploaded.slice(from, to).map((keys) => uploadTo(url, keys)));
      expect(new Set(statuses)).toEqual(new Set([200]));
    };
    const first = await startEdge(state);
    await setClock(first.url, START);
    await uploadAll(first.url, 0, 3);
    first.running.kill('SIGTERM', 'process');
    expect((await first.running.ended).code).toBe(0);

    const second = await startEdge(state);
    expect(await readClock(second.url)).toBe(START);
    await uploadAll(second.url, 3, 6);
    second.running.kill('SIGKILL', 'process');
    await second.running.exited;
    // workerd lives on: the port answers.
    expect((await fetch(`${second.url}/local/clock`)).status).toBe(200);

    const third = await startEdge(state, Number(new URL(second.url).port));
    expect(third.url).toBe(second.url);
    await uploadAll(third.url, 6, PATIENTS);
    third.running.kill('SIGKILL', 'group');
    await third.running.ended;

    const { edge } = await startSystem({ state });
    try {
      await moveClock(edge.url, START + SECONDS_PER_HOUR);
      for (const region of ['DE', 'EUR']) {
        // Each once, and beside them what every hour sets aside (decision 040).
        const published = names(await publishedKeys(edge, region));
        expect(published).toEqual(expect.arrayContaining(names(uploaded.flat())));
        expect(new Set(published).size).toBe(published.length);
      }
    } finally {
      await edge.dispose();
    }
  });

  it('says so when the port is taken', async ({ expect }) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const { code, stderr } = await runCommand(['scripts/start.ts', '--port', String(port), '--state', folder()]);
    server.close();
    expect(code).toBe(1);
    expect(stderr).toContain(`Address already in use (127.0.0.1:${port})`);
  });

  it('refuses a chunk policy that contradicts itself, before anything runs', async ({ expect }) => {
    const started = startLocalEdge({ state: folder(), vars: { origin: { MIN_KEYS: '5' } } });
    await expect(started).rejects.toThrow('[env.origin.vars] MIN_KEYS=5 must not be below MIN_UPLOADS=10');
  });
});

describe('a command', () => {
  it.for([
    [['scripts/start.ts', '--port', '99999'], '--port: "99999" must be a whole number, 0..65535'],
    [['scripts/start.ts', '--prot', '1'], '--prot'],
    [['scripts/tan.ts', '--count', '0'], '--count: "0" must be a whole number, 1..100000'],
    [['scripts/tan.ts', '--url', 'nowhere'], '--url: "nowhere" must be a URL'],
    [['scripts/issue-code.ts', '--type', 'maybe'], '--type: "maybe" must be one of confirmed, likely, negative'],
    [['scripts/issue-code.ts', '--symptom-date', '1.3.2026'], '--symptom-date: "1.3.2026" must be a date, YYYY-MM-DD'],
    [['scripts/demo.ts', '--fast'], '--fast'],
  ] as const)('called as %j ends with 2 and says why', async ([args, message], { expect }) => {
    const { code, stderr } = await runCommand(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('tan says so when no edge is there', async ({ expect }) => {
    const { code, stderr } = await runCommand(['scripts/tan.ts', '--url', 'http://127.0.0.1:9']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/not reached/);
  });
});
