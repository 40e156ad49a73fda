/**
 * @module Which tests run where. `x.test.ts` runs in Node, and in workerd too when it lies in protocol/ or domain/;
 * `x.workerd.test.ts` runs in workerd alone, inside the Worker that owns its folder, with that Worker's wrangler.toml
 * environment; `x.node.test.ts` in Node alone (it reads files or starts processes).
 */
import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { secretsOf, TEST_SECRETS } from './test/support/secrets.ts';
import { laboratoryStub, originStub, verificationStub } from './test/support/stub-workers.ts';

// wrangler warns about each required secret that it finds neither in .dev.vars nor here.
Object.assign(process.env, TEST_SECRETS, { WRANGLER_SEND_METRICS: 'false', CLOUDFLARE_CF_FETCH_ENABLED: 'false' });

const WORKERD_ONLY = '**/*.workerd.test.ts';
const NODE_ONLY = '**/*.node.test.ts';

type Stub = typeof originStub;

/** One Worker's own tests: its entry file, bindings and storage are the real ones, its neighbours are stubs. */
function workerProject(
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
      name: worker,
      include: [
        `workers/${worker}/${WORKERD_ONLY}`,
        ...folders.map((folder) => `${folder.includes('/') ? folder : `durable-objects/${folder}`}/${WORKERD_ONLY}`),
      ],
      testTimeout: 20_000,
    },
  };
}

/** Whole systems, driven from Node: miniflare or wrangler's harness is started by the test itself. */
function systemProject(name: string): TestProjectInlineConfiguration {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}

export default defineConfig({
  test: {
    // One less than the cores is the default: on two cores nothing would run beside a test that waits for a deadline.
    maxWorkers: 2,
    projects: [
      {
        test: {
          name: 'node',
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
            'test/support',
            'test/house',
            'load-tests',
            'benchmarks',
          ].map((folder) => `${folder}/**/*.test.ts`),
          exclude: ['node_modules/**', WORKERD_ONLY],
          testTimeout: 30_000,
        },
      },
      {
        plugins: [cloudflareTest({ miniflare: { compatibilityDate: '2026-11-01' } })],
        test: {
          name: 'pure-workerd',
          include: ['protocol/**/*.test.ts', 'domain/**/*.test.ts'],
          exclude: ['node_modules/**', NODE_ONLY],
          testTimeout: 30_000,
        },
      },
      workerProject('origin', ['submission-buffer', 'publisher', 'parameter-store']),
      // Without a deadline (0): what an answer says is tested here, when it leaves in test/integration.
      workerProject('verification', ['tan-ledger', 'test-session', 'code-desk'], [laboratoryStub], {
        ANSWER_DEADLINE_MS: '0',
      }),
      workerProject('laboratory', ['result-store']),
      workerProject('index', []),
      workerProject('config', []),
      workerProject('upload', [], [verificationStub, originStub]),
      workerProject('portal', ['staff-room', 'workers/shared'], [verificationStub, originStub, laboratoryStub]),
      systemProject('integration'),
      systemProject('conformance'),
      // Chromium in front of a local edge (scripts/support/chromium.ts finds or installs it).
      systemProject('browser'),
    ],
  },
});
