import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import type { Stage } from '../file/stage.ts';
import { tagOf } from '../wrangler/fingerprint.ts';
import { DEPLOY_ORDER, type WorkerName } from '../wrangler/order.ts';
import { readJournal, runSteps, type Step } from './journal.ts';
import { heldText } from './lock.ts';
import { judgePortal, probedText, probesOf } from './probe.ts';
import {
  knownSide,
  readRelease,
  type Release,
  type ReleaseSide,
  releaseNumbers,
  writeRelease,
} from './release-file.ts';
import { refusals } from './rollback.ts';

const workFolder = (): { readonly work: string } => {
  const folder = temporaryFolder('steps');
  onTestFinished(() => folder.remove());
  return { work: folder.path };
};

const side = (versionId: string, change: Partial<ReleaseSide> = {}): ReleaseSide => ({
  versionId,
  tag: null,
  migrationTag: 'v1',
  secrets: { A_KEY: 'm1' },
  schemas: { publisher: 8 },
  crons: [],
  ...change,
});

/** Every Worker went from version `before` to `after`. */
function releaseOf(
  change: Partial<Release> = {},
  before: ReleaseSide | null = side('before'),
  after = side('after'),
): Release {
  const workers = Object.fromEntries(
    DEPLOY_ORDER.map((worker) => [worker, { script: `exposure-edge-${worker}`, way: 'version', before, after }]),
  ) as Release['workers'];
  return {
    format: 1,
    stage: 'demo',
    release: 7,
    state: 'done',
    commit: 'abc',
    began: '2026-11-26T00:00:00.000Z',
    ended: null,
    workers,
    ...change,
  };
}

const active = (id: string | null) =>
  new Map<WorkerName, { active: { id: string } | null }>(
    DEPLOY_ORDER.map((worker) => [worker, { active: id === null ? null : { id } }]),
  );

describe('a rollback', () => {
  test('is allowed where nothing but code and variables changed, also when half of it was done', ({ expect }) => {
    expect(refusals(releaseOf(), active('after'))).toEqual([]);
    const half = active('after').set('config', { active: { id: 'before' } });
    expect(refusals(releaseOf(), half)).toEqual([]);
  });

  test.for<[string, Release, string, RegExp]>([
    [
      'past a migration of classes',
      releaseOf({}, side('before', { migrationTag: null })),
      'after',
      /migrated from none to v1.*Instead: /,
    ],
    [
      'past a schema',
      releaseOf({}, side('before', { schemas: { publisher: 7 } })),
      'after',
      /publisher is at schema 8, this code knows 7.*Instead: /,
    ],
    [
      'past a changed secret',
      releaseOf({}, side('before', { secrets: { A_KEY: 'm0' } })),
      'after',
      /A_KEY changed with it.*Instead: check out/,
    ],
    [
      'past a rotation, whose code was the same',
      releaseOf(
        { commit: 'abcdef012345'.padEnd(40, '0') },
        side('before', { secrets: { A_KEY: 'm0' }, tag: tagOf('abcdef012345', 'f'.repeat(24)) }),
      ),
      'after',
      /A_KEY changed with it.*Instead: go on with the rotation/,
    ],
    ['past a secret that is new', releaseOf({}, side('before', { secrets: {} })), 'after', /A_KEY changed with it/],
    [
      'of what another machine made',
      releaseOf({}, side('before', { secrets: null })),
      'after',
      /another machine, or by hand.*Instead: /,
    ],
    ['of what somebody changed since', releaseOf(), 'other', /version other has the traffic.*check/],
    ['of the first release', releaseOf({}, null), 'after', /made every Worker.*apply/],
    ['a second time', releaseOf({ state: 'rolled back' }), 'before', /already/],
  ])('is refused %s', ([, release, id, message], { expect }) => {
    const reasons = refusals(release, active(id));
    expect(reasons.length).toBeGreaterThan(0);
    for (const reason of reasons) expect(reason).toMatch(message);
  });

  test('leaves a Worker that was new', ({ expect }) => {
    const release = releaseOf();
    release.workers.federation.before = null;
    expect(refusals(release, active('after'))).toEqual([]);
  });
});

describe('a release file', () => {
  test('is read as it was written; releases are found in order', ({ expect }) => {
    const places = workFolder();
    for (const release of [2, 10, 1]) writeRelease(places, releaseOf({ release }));
    expect(releaseNumbers(places)).toEqual([1, 2, 10]);
    expect(readRelease(places, 10)).toEqual(releaseOf({ release: 10 }));
    expect(knownSide([releaseOf()], 'after')?.schemas).toEqual({ publisher: 8 });
    expect(knownSide([releaseOf()], 'other')).toBeNull();
  });

  test.for([
    ['{', /is no JSON.*move it away/],
    ['{"format":2}', /newer version: format 2, this one reads 1/],
    ['{"format":1}', /is damaged: .*move it away/],
  ] as const)('%s is refused by name', ([text, message], { expect }) => {
    const places = workFolder();
    writeFileSync(join(places.work, 'release-3.json'), text);
    expect(() => readRelease(places, 3)).toThrow(message);
    expect(() => readRelease(places, 3)).toThrow('release-3.json');
    expect(() => readRelease(places, 4)).toThrow('lies on the machine that applied it');
  });

  test('a full disk leaves the former one', ({ expect }) => {
    const places = workFolder();
    writeRelease(places, releaseOf());
    symlinkSync('/dev/full', join(places.work, 'release-7.json.new'));
    expect(() => writeRelease(places, releaseOf({ state: 'rolled back' }))).toThrow('ENOSPC');
    expect(readRelease(places, 7).state).toBe('done');
  });
});

describe('the journal', () => {
  const step = (name: string, run: () => Promise<void>): Step => ({
    name,
    leaves: `half of ${name}`,
    again: 'again',
    run,
  });
  const run = (places: { readonly work: string }, steps: readonly Step[]) =>
    runSteps(steps, { places, command: 'apply', commit: null, say: () => undefined });

  test('says where a run was cut off, what that leaves and how to go on, and goes when one ends', async ({
    expect,
  }) => {
    const places = workFolder();
    let fails = true;
    const steps = [
      step('one', async () => undefined),
      step('two', async () => {
        if (fails) throw new Error('no');
      }),
      step('three', async () => undefined),
    ];
    await expect(run(places, steps)).rejects.toThrow('two: no\nWhat is left: half of two\nTo go on: again');
    expect(readJournal(places)).toMatchObject({ done: ['one'], current: { name: 'two', leaves: 'half of two' } });
    fails = false;
    expect(await run(places, steps)).toEqual(['one', 'two', 'three']);
    expect(readJournal(places)).toBeNull();
  });

  test('cut off while it was new, it says nothing', ({ expect }) => {
    const places = workFolder();
    writeFileSync(join(places.work, 'apply.json'), '{"comm');
    expect(readJournal(places)).toBeNull();
  });

  test('where it can’t be written no step runs', async ({ expect }) => {
    const places = workFolder();
    mkdirSync(join(places.work, 'apply.json.new'));
    const file = join(places.work, 'ran');
    const steps = [step('one', async () => writeFileSync(file, ''))];
    await expect(run(places, steps)).rejects.toThrow('EISDIR');
    expect(existsSync(file)).toBe(false);
  });
});

describe('what a person reads', () => {
  const came = (status: number, location?: string) => ({
    status,
    headers: location === undefined ? {} : { location },
    text: '',
  });
  const stage = (account: string) => ({ account, access: { team: 'example' } }) as Stage;

  test.for([
    ['Access', 'a'.repeat(32), came(302, 'https://example.cloudflareaccess.com/cdn-cgi/access/login'), true],
    ['another team’s Access', 'a'.repeat(32), came(302, 'https://other.cloudflareaccess.com/'), false],
    [
      'a host that ends like it',
      'a'.repeat(32),
      came(302, 'https://example.cloudflareaccess.com.evil.example/'),
      false,
    ],
    ['the Worker alone, on Cloudflare', 'a'.repeat(32), came(403), false],
    ['the Worker alone, in the double', 'double', came(403), true],
    ['the page', 'double', came(200), false],
  ] as const)('the portal behind %s', ([, account, answer, right], { expect }) => {
    expect(judgePortal(stage(account), answer).right).toBe(right);
  });

  test('a probe that isn’t right stands out, and says what would be', ({ expect }) => {
    const hosts = {
      submission: 's',
      keys: 'k',
      config: null,
      verification: 'v',
      laboratories: 'l',
      peers: 'p',
      portal: 'o',
      cards: 'd',
      codes: 'c',
      links: 'x',
    };
    const probes = probesOf({ ...stage('double'), hosts, country: 'DE' });
    expect(new Set(probes.map(({ host }) => host))).toEqual(new Set(['s', 'k', 'v', 'l', 'p', 'o', 'd', 'c', 'de.x']));
    for (const { host, worker, asked, judge } of probes) {
      const wrong = judge(came(500));
      expect(wrong.right).toBe(false);
      expect(probedText([{ host, worker, asked, came: '500', ...wrong }])[0]).toMatch(
        /^WRONG {2}.+: asked .+; came 500: .+/,
      );
    }
  });

  test('a lock says who has it, since when, and what takes it away', ({ expect }) => {
    const rollout = { stage: { name: 'demo' } as Stage };
    expect(heldText(rollout, { by: 'anna@desk', command: 'apply', since: '2026-11-26T10:00:00Z' })).toBe(
      'The stage is locked: anna@desk runs apply since 2026-11-26T10:00:00Z. Two at once would undo each other. When you know that nobody is applying: npm run stage -- unlock demo',
    );
    expect(heldText(rollout, { by: null, command: null, since: null })).toContain(
      'somebody, whose run ended before it said who',
    );
  });
});
