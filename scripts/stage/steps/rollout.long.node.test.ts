/**
 * A stage's life on the double: wrangler and the maker's library, unmodified, with the bundles that would go up. The edge here answers what the probes want and notes what it was asked;
 * that deployed Workers answer so is shown by `npm run stage -- rehearse`.
 */
import { readdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { secretsFolder } from '../wrangler/secrets-file.ts';
import { SCHEMA_VERSIONS } from '../../../domain/schema-versions.ts';
import { planWorkers } from '../wrangler/workers.ts';
import { apply } from './apply.ts';
import { check } from './check.ts';
import { destroy, planDestroy } from './destroy.ts';
import { readJournal } from './journal.ts';
import { readLock, removeLock, takeLock } from './lock.ts';
import { readRelease, releaseNumbers } from './release-file.ts';
import { rollback, RollbackRefused } from './rollback.ts';
import { type EdgeStandIn, edgeStandIn, stageRig, type StageRig } from './stage-rig.ts';

let rig: StageRig;
let edge: EdgeStandIn;
let firstError = '';
const once = { overwrite: false };

beforeAll(async () => {
  rig = await stageRig();
  edge = await edgeStandIn();
  rig.edge = edge.url;
  // Cut off between the calls of one deployment: the Worker is there, its triggers aren't.
  rig.double.fail({
    kind: 'cut',
    when: 'before',
    method: 'PUT',
    path: '/accounts/*/workers/scripts/exposure-edge-laboratory/schedules',
  });
  firstError = String(await apply(rig.rollout(), once).catch((error: unknown) => error));
  await apply(rig.rollout(), once);
});
afterAll(async () => {
  await rig.end();
  await edge.end();
});

const workerNamed = (worker: string) => {
  const found = rig.double.store.account.workers[`exposure-edge-${worker}`];
  if (found === undefined) throw new Error(`the account has no ${worker}`);
  return found;
};
const traffic = (worker: string) => workerNamed(worker).deployments[0]?.versions;
const changed = async () =>
  (await planWorkers(rig.rollout())).filter(({ action }) => action !== 'keep').map(({ resource }) => resource);
/** Calls that change the account, since a number of them. */
const writes = (since: number) =>
  rig.double
    .calls()
    .slice(since)
    .filter(({ method, path }) => method !== 'GET' && !/r2\/buckets/.test(path));
const leftSecrets = () =>
  readdirSync(secretsFolder()).filter((name) => name.startsWith(`exposure-edge-secrets-${process.pid}-`));

test('the first apply, cut off once, brings every Worker with its secrets, and a plan after it is empty', async ({
  expect,
}) => {
  expect(firstError).toMatch(
    /laboratory: deployed by itself[^]*What is left: [^]*To go on: npm run stage -- apply demo/,
  );
  expect(workerNamed('laboratory').schedules).toHaveLength(1);
  const before = rig.double.calls().length;
  expect(await changed()).toEqual([]);
  // A plan only reads.
  const methods = rig.double.calls().slice(before);
  expect(methods.length).toBeGreaterThan(0);
  expect(methods.filter(({ method }) => method !== 'GET')).toEqual([]);
  expect(Object.keys(rig.double.store.account.workers)).toHaveLength(8);
  expect(
    workerNamed('upload')
      .versions[0]?.bindings.filter(({ type }) => type === 'secret_text')
      .map(({ name, text }) => [name, text])
      .toSorted(),
  ).toEqual(['DIGEST_KEY', 'TAN_MAC_KEY', 'UPLOAD_ID_KEY'].map((name) => [name, rig.secrets[name]]));
  const release = readRelease(rig.places, 2);
  expect(release).toMatchObject({ state: 'done', stage: 'demo' });
  expect(readRelease(rig.places, 1).state).toBe('replaced');
  expect(release.workers.upload).toMatchObject({
    way: 'new',
    before: null,
    after: { versionId: traffic('upload')?.[0]?.version_id },
  });
  const texts = [JSON.stringify(release), readFileSync(join(rig.places.work, 'workers/upload/wrangler.jsonc'), 'utf8')];
  for (const value of Object.values(rig.secrets)) for (const text of texts) expect(text).not.toContain(value);
  expect(leftSecrets()).toEqual([]);
});

test('schema versions are those of the classes that Workers have, and are kept with the release', async ({
  expect,
}) => {
  const { workers } = readRelease(rig.places, 2);
  const kept = Object.assign(
    {},
    ...Object.values(workers).map(({ after }) => after?.schemas),
  ) as typeof SCHEMA_VERSIONS;
  expect(kept).toEqual(SCHEMA_VERSIONS);
});

test('a second apply changes nothing and makes no release', async ({ expect }) => {
  const since = rig.double.calls().length;
  const report = await apply(rig.rollout(), once);
  expect(report.release).toBeNull();
  expect(report.probed.every(({ right }) => right)).toBe(true);
  expect(writes(since)).toEqual([]);
  expect(releaseNumbers(rig.places)).toEqual([1, 2]);
});

test('cut off before each of its steps, an apply goes on and ends as one that wasn’t', async ({ expect }) => {
  rig.edit('list_key_id = "laboratories-v1"', 'list_key_id = "laboratories-v2"');
  // What somebody switched on by hand: whole requests in logs, and no watchdog.
  workerNamed('index').settings = {
    ...workerNamed('index').settings,
    observability: { enabled: true, logs: { enabled: true, invocation_logs: true } },
  };
  workerNamed('portal').schedules = [];
  rig.double.store.save();
  const before = traffic('laboratory')?.[0]?.version_id;
  const seen = new Set<string>();
  const errors: string[] = [];
  for (;;) {
    const report = await apply(rig.rollout(), {
      ...once,
      beforeStep(name) {
        const [what = ''] = name
          .split('release')
          .slice(-1)
          .map((text) => text.replace(/^ \d+/, ''));
        if (seen.has(what)) return;
        seen.add(what);
        throw new Error('killed here');
      },
    }).catch((error: unknown) => String(error));
    if (typeof report !== 'string') break;
    errors.push(report);
    expect(readJournal(rig.places)?.current?.name).toBeDefined();
  }
  expect(errors).toHaveLength(seen.size);
  for (const error of errors) expect(error).toMatch(/killed here\nWhat is left: .+\nTo go on: npm run stage -- /);
  expect([...seen].map((name) => name.replace(/^: /, ''))).toEqual([
    'what is deployed now is written down',
    'laboratory: new version uploaded, without traffic',
    'laboratory: new version at 0 %',
    'smoke checks: new versions are asked by name, before they have traffic',
    'new versions are written down, before they have traffic',
    'laboratory: traffic to the new version',
    'portal: settings',
    'index: settings',
    'portal: triggers',
    'is done',
    'probe: each host is asked what phones, laboratories, peers and staff ask',
  ]);
  expect(await changed()).toEqual([]);
  expect(workerNamed('laboratory').versions).toHaveLength(2);
  const last = readRelease(rig.places, releaseNumbers(rig.places).at(-1) ?? 0);
  expect(last).toMatchObject({
    state: 'done',
    workers: {
      laboratory: { before: { versionId: before }, after: { versionId: traffic('laboratory')?.[0]?.version_id } },
    },
  });
  expect(edge.overrides.at(-1)).toBe(`exposure-edge-laboratory="${traffic('laboratory')?.[0]?.version_id}"`);
  expect(readJournal(rig.places)).toBeNull();
});

test('a rollback gives the traffic back, once, and an apply brings it again', async ({ expect }) => {
  const release = releaseNumbers(rig.places).at(-1) ?? 0;
  const { laboratory } = readRelease(rig.places, release).workers;
  const report = await rollback(rig.rollout());
  expect(report).toMatchObject({ release, wentBack: ['laboratory'] });
  expect(traffic('laboratory')).toEqual([{ version_id: laboratory.before?.versionId, percentage: 100 }]);
  expect(readRelease(rig.places, release).state).toBe('rolled back');
  await expect(rollback(rig.rollout(), release)).rejects.toThrow('It was gone back from already');
  expect(await changed()).toEqual(['Worker exposure-edge-laboratory']);
  await apply(rig.rollout(), once);
  expect(traffic('laboratory')).toEqual([{ version_id: laboratory.after?.versionId, percentage: 100 }]);
});

test('a new version that answers wrongly gets no traffic', async ({ expect }) => {
  rig.edit('"laboratories-v2"', '"laboratories-v3"');
  const before = traffic('laboratory')?.[0]?.version_id;
  edge.failsNewVersions = true;
  await expect(apply(rig.rollout(), once)).rejects.toThrow(
    /smoke checks[^]*WRONG {2}laboratories\.example\.org[^]*No traffic was moved/,
  );
  edge.failsNewVersions = false;
  expect(traffic('laboratory')).toContainEqual({ version_id: before, percentage: 100 });
  rig.edit('"laboratories-v3"', '"laboratories-v2"');
  await apply(rig.rollout(), once);
  expect(traffic('laboratory')).toEqual([{ version_id: before, percentage: 100 }]);
});

test('a secret that was changed by hand is seen, not lost by itself, and lost where that is said', async ({
  expect,
}) => {
  const { client, accountId } = rig.rollout().context;
  await client.workers.scripts.secrets.update('exposure-edge-upload', {
    account_id: accountId,
    name: 'DIGEST_KEY',
    text: 'other',
    type: 'secret_text',
  });
  const report = await check(rig.rollout());
  expect(report.drift).toMatchObject([{ resource: 'Worker exposure-edge-upload', action: 'change' }]);
  expect(report.drift[0]?.fields).toContainEqual(expect.objectContaining({ name: 'made by' }));
  expect(report.unknown).toHaveLength(1);
  await expect(apply(rig.rollout(), once)).rejects.toThrow(/Changed by hand[^]*exposure-edge-upload/);
  await apply(rig.rollout(), { overwrite: true });
  expect((await check(rig.rollout())).drift).toEqual([]);
  expect(workerNamed('upload').versions[0]?.bindings.find(({ name }) => name === 'DIGEST_KEY')?.['text']).toBe(
    rig.secrets['DIGEST_KEY'],
  );
});

test('a release with another secret can’t be gone back from, and it is named; an edit of what is generated is told', async ({
  expect,
}) => {
  // What is generated, and was edited: told and lost.
  const file = join(rig.places.work, 'workers/laboratory/wrangler.jsonc');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"logpush": false', '"logpush": true'));
  expect((await check(rig.rollout())).edited).toEqual([file]);
  rig.secrets['LABORATORY_LIST_PUBLIC_KEY'] = `${rig.secrets['LABORATORY_LIST_PUBLIC_KEY']}\n`;
  await apply(rig.rollout(), once);
  expect(rig.said.join('\n')).toContain('the edit is lost');
  expect(workerNamed('laboratory').settings['logpush']).toBe(false);
  const refused = await rollback(rig.rollout()).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RollbackRefused);
  expect(String(refused)).toMatch(/laboratory: LABORATORY_LIST_PUBLIC_KEY changed with it[^]*Instead: /);
  expect(String(refused)).not.toContain('BEGIN PUBLIC KEY');
});

test('two at once: the second is told who, what and since when; a lock of a killed apply is taken away', async ({
  expect,
}) => {
  await takeLock(rig.rollout(), 'apply');
  await expect(apply(rig.rollout(), once)).rejects.toThrow(
    /locked: .+ runs apply since 2.+\. .+npm run stage -- unlock demo/,
  );
  await expect(rollback(rig.rollout())).rejects.toThrow('locked');
  expect((await check(rig.rollout())).lock).not.toBeNull();
  await removeLock(rig.rollout());
  expect(await readLock(rig.rollout())).toBeNull();
  await removeLock(rig.rollout());
});

describe('what fails', () => {
  test('a full disk stops an apply before the account is changed', async ({ expect }) => {
    rig.edit('"laboratories-v2"', '"laboratories-v4"');
    const number = (releaseNumbers(rig.places).at(-1) ?? 0) + 1;
    const file = join(rig.places.work, `release-${number}.json.new`);
    symlinkSync('/dev/full', file);
    const since = rig.double.calls().length;
    await expect(apply(rig.rollout(), once)).rejects.toThrow(/ENOSPC[^]*nothing has changed in the account/);
    expect(writes(since)).toEqual([]);
    unlinkSync(file);
    rig.edit('"laboratories-v4"', '"laboratories-v2"');
    expect(await changed()).toEqual([]);
  });

  test('a secret that is missing is named, with the command that draws it', async ({ expect }) => {
    const { DIGEST_KEY: digest = '' } = rig.secrets;
    delete rig.secrets['DIGEST_KEY'];
    await expect(planWorkers(rig.rollout())).rejects.toThrow(/DIGEST_KEY \(upload\)[^]*npm run stage -- init demo/);
    rig.secrets['DIGEST_KEY'] = digest;
  });

  test('an API that says no, 429, 500 or half: the apply goes on by itself, or the next one does', async ({
    expect,
  }) => {
    rig.edit('"laboratories-v2"', '"laboratories-v5"');
    const versions = '/accounts/*/workers/scripts/exposure-edge-laboratory/versions';
    // Of the token that may not, the permission is named and nothing else.
    rig.double.fail({ kind: 'forbidden', method: 'POST', path: versions });
    const error = await apply(rig.rollout(), once).catch((thrown: unknown) => String(thrown));
    expect(error).toContain('Workers Scripts Write');
    expect(error).not.toContain(rig.double.token);
    rig.double.fail({ kind: 'too-many', retryAfterSeconds: 1, method: 'POST', path: versions });
    rig.double.fail({ kind: 'cut', when: 'after', method: 'POST', path: versions });
    const deployments = '/accounts/*/workers/scripts/exposure-edge-laboratory/deployments';
    rig.double.fail({ kind: 'server-error', method: 'POST', path: deployments });
    await expect(apply(rig.rollout(), once)).rejects.toThrow(
      /laboratory: new version at 0 %[^]*What is left: [^]*To go on: /,
    );
    await apply(rig.rollout(), once);
    expect(await changed()).toEqual([]);
  });
});

test('the end: everything of the stage goes, and nothing else', async ({ expect }) => {
  rig.double.store.account.workers['somebody-elses'] = workerNamed('config');
  const { workers, byHand } = await planDestroy(rig.rollout());
  expect([workers.length, byHand]).toEqual([8, []]);
  // A copy of the stage's file, with its account and its prefix in it.
  const copy = { ...rig.rollout(), stage: { ...rig.rollout().stage, name: 'copy' } };
  await expect(destroy(copy, { withData: true })).rejects.toThrow('exposure-edge-upload: it is of the stage demo');
  await expect(apply(copy, once)).rejects.toThrow('exposure-edge-upload: it is of the stage demo');
  await destroy(rig.rollout(), { withData: false });
  expect(Object.keys(rig.double.store.account.workers)).toEqual(['somebody-elses']);
  expect(await readLock(rig.rollout())).toBeNull();
});
