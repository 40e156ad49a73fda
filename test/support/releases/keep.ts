/**
 * @module `npm run release:keep`: keeps of the release that was just made what the next one is tested with (docs/releasing.md).
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAll } from '../../../local-edge/compose.ts';
import { ROOT, WRANGLER_TOML } from '../../../local-edge/workers.ts';
import { toStateText } from '../../../phone/store.ts';
import { readSurface } from '../../../scripts/release/read-surface.ts';
import { surfaceText } from '../../../scripts/release/surface-text.ts';
import { runChild } from '../../../scripts/support/command-line/child.ts';
import { JSON_FLAG } from '../../../scripts/support/command-line/arguments.ts';
import { run } from '../../../scripts/support/command-line/command.ts';
import { startWithAuthorities } from '../../../scripts/support/local-authorities.ts';
import { FILES, pack, packState, pathOf } from './archive.ts';
import { type Left, playBefore } from './before.ts';
import { newPeer, sceneVars, withPeer } from './scene.ts';

/** What Workers are made of. */
const SOURCES = [
  'protocol',
  'domain',
  'durable-objects',
  'workers',
  'local-edge',
  'wrangler.toml',
  'package-lock.json',
];

async function git(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runChild('git', args, { cwd: ROOT, output: 'kept' });
  if (code !== 0) throw new Error(`git ${args[0]}: ${stderr}`);
  return stdout.trim();
}

/** Plays the first part of the story on this version. @param state an empty folder */
async function playTo(state: string): Promise<Left> {
  const peer = newPeer();
  const edge = await startWithAuthorities(
    { state, vars: sceneVars(peer), adapt: withPeer(peer), onLog: () => undefined },
    false,
  );
  try {
    return await playBefore(edge, peer);
  } finally {
    await edge.dispose();
  }
}

/** Bundles without their maps: paths of a machine, and twice the size. */
async function bundles(): Promise<Record<string, string>> {
  const all = Object.entries(await bundleAll()).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(all.map(([entry, text]) => [entry, text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')]));
}

const note = (version: string, commit: string): string => `# Kept of release ${version}

Made by \`npm run release:keep\` of the sources of Workers at commit ${commit}; never edited. What each file is for: docs/releasing.md, "What is kept".

| File | What |
|---|---|
| \`${FILES.bundles}\` | the Workers' bundles, with the local clock, by their entry files |
| \`${FILES.configuration}\` | their bindings and variables |
| \`${FILES.surface}\` | what they and their objects can be called with |
| \`${FILES.state}\` | the state directory that they left after the story of \`test/support/releases/before.ts\` |
| \`${FILES.left}\` | what the people of the story held then |

Secrets, tokens, codes and keys in it were drawn for it, on a loopback port, and are nobody's. Bundles and surface come out the same whenever they are made; the state does not, since Workers draw what they keep.
`;

await run(
  {
    name: 'npm run release:keep',
    summary: `Keeps of this version, in test/fixtures/releases/, what the next one is tested with: bundles, bindings, what can be called, and a
      state directory. Wants the sources of Workers as they were committed, and a version that isn't kept yet.`,
    options: { json: JSON_FLAG },
  },
  async (_, { say, print }) => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    const changed = await git('status', '--porcelain', '--', ...SOURCES);
    if (changed !== '') throw new Error(`these are not as they were committed:\n${changed}`);
    if (existsSync(pathOf(version))) throw new Error(`${pathOf(version)} is there: a release is kept once`);
    const commit = await git('log', '-1', '--format=%H', '--', ...SOURCES);
    const state = mkdtempSync(join(tmpdir(), 'exposure-edge-keep-'));
    try {
      say('plays the story');
      const left = await playTo(state);
      say('packs');
      const files = {
        [FILES.bundles]: pack(new TextEncoder().encode(JSON.stringify(await bundles()))),
        [FILES.configuration]: readFileSync(WRANGLER_TOML),
        [FILES.surface]: surfaceText(readSurface(ROOT)),
        [FILES.state]: packState(state),
        [FILES.left]: `${toStateText(left)}\n`,
        'README.md': note(version, commit),
      };
      mkdirSync(pathOf(version), { recursive: true });
      for (const [name, content] of Object.entries(files)) writeFileSync(pathOf(version, name), content);
      const sizes = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, content.length]));
      const lines = Object.entries(sizes).map(([name, bytes]) => `${name}  ${bytes} bytes`);
      print({ version, commit, sizes }, [`${version} of ${commit}`, ...lines].join('\n'));
      return 0;
    } finally {
      rmSync(state, { recursive: true, force: true });
    }
  },
);
