/**
 * @module Walks all scripts of package.json: each answers `--help` without doing anything and refuses what it doesn't know. Ours run
 * under Node's permission model, where writing a file or starting a program is an error; wrapped programs of others and
 * the shell script are held to leave every file as it was. What they do at Ctrl-C: interrupts.long.node.test.ts.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, it } from 'vitest';
import { ROOT } from '../../local-edge/workers.ts';

const UNKNOWN = '--no-such-option';
/** Reads anything, writes nothing, starts nothing. */
const LOCKED = ['--permission', '--allow-fs-read=*'];
/** Not in package.json, and called by hand all the same. */
const BY_HAND = [
  'scripts/third-party-notices.ts',
  'scripts/support/chromium.ts',
  'scripts/chaos/serve.ts',
  'scripts/federation/backend.ts',
];
/** phone/ imports protocol/ alone: it answers the same, by itself. */
const OWN_PARSER = 'phone/cli/cli.ts';

interface Call {
  /** Of the script in package.json, or the file. */
  readonly name: string;
  /** `ours`: a TypeScript program; `shell`: `.ci/run`; `theirs`: a program from node_modules/.bin. */
  readonly kind: 'ours' | 'shell' | 'theirs';
  readonly program: string;
  /** What package.json gives it. */
  readonly args: readonly string[];
}

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const scripts = (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
  .scripts;

function callOf(name: string, script: string): Call {
  // npm hands a signal to the shell it starts: `exec` makes that shell the command.
  const [exec, shell, file = '', program = '', ...args] = script.split(' ');
  if (exec !== 'exec')
    throw new Error(`${name}: "${script}" doesn't begin with exec, so SIGTERM at npm would not reach it`);
  if (script === 'exec bash .ci/run') return { name, kind: 'shell', program: file, args: [] };
  if (shell !== 'sh' || file !== 'scripts/run.sh')
    throw new Error(`${name}: "${script}" is run in a way not known here`);
  return { name, kind: program.endsWith('.ts') ? 'ours' : 'theirs', program, args };
}

const CALLS: readonly Call[] = [
  ...Object.entries(scripts).map(([name, script]) => callOf(name, script)),
  ...BY_HAND.map((program): Call => ({ name: program, kind: 'ours', program, args: [] })),
];
const of = (kind: Call['kind']): readonly Call[] => CALLS.filter((call) => call.kind === kind);

function ask({ kind, program, args }: Call, last: string): Promise<Answer> {
  const [command, ...before] = {
    ours: [process.execPath, ...LOCKED, program],
    shell: ['bash', program],
    theirs: [join('node_modules/.bin', program)],
  }[kind];
  const child = spawn(command ?? '', [...before, ...args, last], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}` },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** What git ignores, where other tests may be at work, apart. */
const IGNORED = new Set(['node_modules', '.git', '.cache', '.wrangler', 'out', 'dist', 'coverage', '.local-edge']);

/** Every file of the repository with size and time of its last change. */
function files(folder = ROOT): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !IGNORED.has(name))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return files(path);
      const { size, mtimeMs } = statSync(path);
      return [`${path} ${size} ${mtimeMs}`];
    });
}

const help = new Map<string, Answer>();
const unknown = new Map<string, Answer>();
let [before, after] = [[] as string[], [] as string[]];

beforeAll(async () => {
  before = files();
  const open = CALLS.flatMap((call) => [
    async () => void help.set(call.name, await ask(call, '--help')),
    async () => void unknown.set(call.name, await ask(call, UNKNOWN)),
  ]);
  const worker = async (): Promise<void> => {
    for (let job = open.shift(); job !== undefined; job = open.shift()) await job();
  };
  await Promise.all([worker(), worker()]);
  after = files();
});

describe('every script of package.json', () => {
  it('leaves all files as they were when it is asked for help or called wrongly', ({ expect }) => {
    expect(before.length).toBeGreaterThan(500);
    expect(after).toEqual(before);
  });

  it.for(of('ours'))('$name: help on stdout, and nothing else', ({ name, program }, { expect }) => {
    const { code, stdout, stderr } = help.get(name) ?? {};
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage:/);
    expect(stdout).toContain('--help');
    expect(stdout).toMatch(/^Exit codes: 0 /m);
    // A program of several scripts names one of them.
    const names = CALLS.filter((call) => call.program === program).map((call) => call.name);
    expect(
      names.some((script) => new RegExp(`^(Usage|From the repository): .*${script}( |$)`, 'm').test(stdout ?? '')),
    ).toBe(true);
  });

  it.for([...of('ours'), ...of('shell')])('$name: an unknown option is named on stderr, 2', ({ name }, { expect }) => {
    const { code, stdout, stderr } = unknown.get(name) ?? {};
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(UNKNOWN);
  });

  it.for(of('shell'))('$name: help on stdout, and nothing else', ({ name }, { expect }) => {
    const { code, stdout, stderr } = help.get(name) ?? {};
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm run ci\n/);
  });

  // vitest, oxfmt, oxlint and knip are others' programs: they refuse with 1.
  it.for(of('theirs'))('$name: the wrapped program answers both by itself', ({ name }, { expect }) => {
    const { code, stdout } = help.get(name) ?? {};
    expect(code).toBe(0);
    expect(stdout).toContain('Usage:');
    expect(unknown.get(name)?.code).toBe(1);
    expect(unknown.get(name)?.stderr).toMatch(/no-?such-?option|suchOption/);
  });
});

describe('arguments are read in one place', () => {
  const sources = files()
    .map((line) => line.split(' ')[0] ?? '')
    .filter((path) => /\.(ts|mjs)$/.test(path) && !/\.test\.ts$|\/generated\//.test(path));
  const using = (pattern: RegExp): string[] =>
    sources.filter((path) => pattern.test(readFileSync(path, 'utf8'))).map((path) => path.slice(ROOT.length + 1));

  it('and nowhere else', ({ expect }) => {
    expect(using(/\bparseArgs\(|\bprocess\.argv\b|\bargv\b[^;]*from 'node:process'/).toSorted()).toEqual([
      OWN_PARSER,
      'scripts/support/command-line/command.ts',
      'scripts/support/command-line/read-arguments.ts',
    ]);
  });

  it('by every program of ours', ({ expect }) => {
    const declaring = using(/import \{[^}]*\brun\b[^}]*\} from '[./\w]*command-line\/command\.ts'/);
    const programs = new Set(of('ours').map(({ program }) => program));
    expect([...programs].filter((program) => !declaring.includes(program))).toEqual([OWN_PARSER]);
    expect(declaring.filter((file) => !programs.has(file))).toEqual([]);
  });
});
