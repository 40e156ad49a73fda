/**
 * @module Which tests run where. `x.test.ts` runs in Node, and in workerd too when it lies in protocol/ or domain/;
 * `x.workerd.test.ts` runs in workerd alone, inside the Worker that owns its folder, with that Worker's wrangler.toml
 * environment; `x.node.test.ts` in Node alone (it reads files or starts processes). Files of a project share a process where they can
 * (`isolate: false`); any order of them passes (`--sequence.shuffle.files`). With `--mode long` (`npm run test:long`) only
 * files that import test/support/longer.ts run, in their longer form, and `x.long.test.ts`, slow proofs that run nowhere else;
 * `--mode long-ci` (`.ci/run`) leaves out those that are too dear for each change.
 */
import { globSync, readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { LOCAL_VARS } from './local-edge/workers.ts';
import { keepTemporaryFilesInMemory } from './test/support/memory-folder.ts';
import { secretsOf, TEST_SECRETS } from './test/support/secrets.ts';
import { federationStub, laboratoryStub, originStub, verificationStub } from './test/support/stub-workers.ts';

// wrangler warns about each required secret that it finds neither in .dev.vars nor here.
Object.assign(process.env, TEST_SECRETS, { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' });

const WORKERD_ONLY = '**/*.workerd.test.ts';
const NOTE_PROCESS = './test/support/note-process.ts';
const FRESH_STORAGE = './test/support/fresh-storage.workerd.ts';
const NODE_ONLY = '**/*.node.test.ts';
const LONG_ONLY = ['**/*.long.test.ts', '**/*.long.node.test.ts', '**/*.long.workerd.test.ts'];

/**
 * What `.ci/run` has no time for within its twenty minutes: `npm run test:long` runs them, before a release and by whoever changes what they prove. Each takes
 * a quarter of a minute of two cores or more, and something quicker beside it runs with each change.
 */
const DEAR = [
  'durable-objects/publisher/phones-agree.long.workerd.test.ts',
  'load-tests/driver/broken-servers.long.node.test.ts',
  'phone/course/cover-traffic.test.ts',
  'phone/course/grace.test.ts',
  'phone/regions/privacy.test.ts',
  'scripts/stage/rehearse/rehearse.long.node.test.ts',
  'scripts/stage/resources/round.long.node.test.ts',
  'scripts/stage/steps/rollout.long.node.test.ts',
  'scripts/support/serve/gate.long.node.test.ts',
  'scripts/support/serve/serve.long.node.test.ts',
  'scripts/support/serve/store/gateway.long.node.test.ts',
  'simulator/memory.long.node.test.ts',
  'simulator/simulation.test.ts',
  'test/browser/forms.long.test.ts',
  'test/browser/rollbacks.long.test.ts',
  'test/browser/sheets.long.test.ts',
  'test/house/commands.long.node.test.ts',
  'test/house/interrupts.long.node.test.ts',
  'test/integration/attacks-verification.long.test.ts',
  'test/integration/attacks.long.test.ts',
  'test/integration/fortnight.long.test.ts',
  'test/integration/newer-state.long.test.ts',
  'test/integration/plain-rows.long.test.ts',
  'test/integration/rebuild.long.test.ts',
  'test/integration/release.long.test.ts',
  'test/integration/restore.long.test.ts',
  'test/integration/retention.long.test.ts',
];

/**
 * Workers whose test files have a workerd each: `origin`'s move clocks by days under alarms that may be on their way, `portal`'s leave
 * its neighbours, which are stubs, in a state that no reset of storage reaches.
 */
const ALONE: ReadonlySet<string> = new Set(['origin', 'portal']);

type Stub = typeof originStub;

/** What a worker and all that it starts (a workerd, Chromium) may take, and the rest of a machine. */
const BYTES_A_WORKER = 2e9;
const BYTES_BESIDE = 2e9;

/** What the machine has, or a container may take. */
function memoryBytes(): number {
  // Without a limit a number beyond any machine, or 0 where the system can't tell.
  return Math.min(totalmem(), process.constrainedMemory() || Infinity);
}

keepTemporaryFilesInMemory(memoryBytes());

/** What `npm run test:long` leaves out: every file that has no longer form, and is none. */
function withoutLongerForm(): string[] {
  return globSync('**/*.test.ts', { exclude: ['node_modules/**', ...LONG_ONLY] }).filter(
    (file) => !/from '(\.\.\/)+(test\/)?support\/longer\.ts'/.test(readFileSync(file, 'utf8')),
  );
}

/** What all projects share; they don't inherit it from the whole. */
function common(mode: string) {
  const longer = mode === 'long' || mode === 'long-ci';
  const dear = mode === 'long-ci' ? DEAR : [];
  // Ends what hangs, and nothing else: a limit that a busy machine can reach says nothing about the code. The longest test takes
  // 20 s on two idle cores, in its longer form two minutes.
  const hangsAfterMs = longer ? 1_200_000 : 300_000;
  return {
    exclude: ['node_modules/**', ...dear, ...(longer ? withoutLongerForm() : LONG_ONLY)],
    provide: { longer },
    // A group of quick tests in a file that has a longer form.
    passWithNoTests: longer,
    testTimeout: hangsAfterMs,
    hookTimeout: hangsAfterMs,
  };
}

type Common = ReturnType<typeof common>;

/** One Worker's own tests: its entry file, bindings and storage are the real ones, its neighbours are stubs. */
function workerProject(
  shared: Common,
  worker: string,
  folders: readonly string[],
  neighbours: Stub[] = [],
  vars: Readonly<Record<string, string>> = {},
): TestProjectInlineConfiguration {
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: './wrangler.toml', environment: worker },
        miniflare: { bindings: { ...secretsOf(worker), ...vars }, workers: neighbours },
      }),
    ],
    test: {
      ...shared,
      name: worker,
      isolate: ALONE.has(worker),
      setupFiles: ALONE.has(worker) ? [] : FRESH_STORAGE,
      include: [
        `workers/${worker}/${WORKERD_ONLY}`,
        ...folders.map((folder) => `${folder.includes('/') ? folder : `durable-objects/${folder}`}/${WORKERD_ONLY}`),
      ],
    },
  };
}

/** Whole systems, driven from Node: miniflare or wrangler's harness is started by the test itself. */
function systemProject(shared: Common, name: string): TestProjectInlineConfiguration {
  return {
    test: {
      ...shared,
      name,
      // One import of wrangler and one bundle of each Worker for all files of a process.
      isolate: false,
      include: [`test/${name}/**/*.test.ts`],
      setupFiles: NOTE_PROCESS,
    },
  };
}

export default defineConfig(({ mode }) => {
  const shared = common(mode);
  return {
    test: {
      // More than two cores need: many tests wait for a deadline, or for a browser.
      maxWorkers: Math.max(
        1,
        Math.min(mode.startsWith('long') ? 4 : 3, Math.floor((memoryBytes() - BYTES_BESIDE) / BYTES_A_WORKER)),
      ),
      projects: [
        {
          test: {
            ...shared,
            name: 'node',
            isolate: false,
            include: [
              'protocol',
              'domain',
              'durable-objects',
              'phone',
              'local-edge',
              'scripts',
              'risk-explorer',
              'simulator',
              'workers',
              'load-tests',
              'benchmarks',
            ].map((folder) => `${folder}/**/*.test.ts`),
            exclude: [...shared.exclude, WORKERD_ONLY],
            setupFiles: NOTE_PROCESS,
          },
        },
        {
          plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-11-01' } })],
          test: {
            ...shared,
            name: 'pure-workerd',
            isolate: false,
            include: ['protocol/**/*.test.ts', 'domain/**/*.test.ts'],
            exclude: [...shared.exclude, NODE_ONLY],
          },
        },
        workerProject(shared, 'origin', ['submission-buffer', 'publisher', 'parameter-store'], [], {
          IMPORT_REGIONS: 'NL,IT',
        }),
        // Without a deadline (0): what an answer says is tested here, when it leaves in test/integration.
        workerProject(
          shared,
          'verification',
          ['tan-ledger', 'test-session', 'code-desk', 'credential-desk'],
          [laboratoryStub, originStub],
          {
            ANSWER_DEADLINE_MS: '0',
          },
        ),
        workerProject(shared, 'laboratory', ['result-store']),
        workerProject(shared, 'federation', ['peer-desk'], [originStub]),
        workerProject(shared, 'index', []),
        workerProject(shared, 'config', []),
        workerProject(shared, 'upload', [], [verificationStub, originStub]),
        workerProject(
          shared,
          'portal',
          ['staff-room', 'workers/shared'],
          [verificationStub, originStub, laboratoryStub, federationStub],
          LOCAL_VARS['portal'],
        ),
        systemProject(shared, 'integration'),
        systemProject(shared, 'conformance'),
        // What tests are made with, and what the whole repository must hold to.
        systemProject(shared, 'support'),
        systemProject(shared, 'house'),
        // Chromium in front of a local edge (scripts/support/chromium.ts finds or installs it).
        systemProject(shared, 'browser'),
      ],
    },
  };
});
