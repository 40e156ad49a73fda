/** @module A stage that is rehearsed: the demo's file in a folder of its own, the double as its account, and the same commands that a person types, each call of them noted. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from '../../../local-edge/workers.ts';
import { temporaryFolder } from '../../support/command-line/interrupt.ts';
import { opened, type Call, type StageCommand } from '../command/call.ts';
import { namedStage } from '../command/stage-file.ts';
import type { Context } from '../resources/context.ts';

const NAME = 'demo';
/** Of the double's account, as a real one's number looks: for what is said where there is no token. */
const NOBODYS_ACCOUNT = '0123456789abcdef0123456789abcdef';

/** What came of a command. */
export interface Outcome {
  /** Exit code, as a shell would see it. */
  readonly code: number;
  /** All that it said and printed, line by line; an error's message too. */
  readonly lines: readonly string[];
  /** What `--json` would print; null: it failed before. */
  readonly json: unknown;
}

/** See the module. */
export interface Rehearsed {
  /**
   * @param command as a person types it
   * @param extra what else is given: a fault of the account, what is typed
   * @returns what came of it; never throws
   */
  run(command: StageCommand, extra?: Partial<Call>): Promise<Outcome>;
  /** Changes a line of the stage's file. */
  edit(from: string, to: string): void;
  /** Lets somebody do something in the account by hand. */
  byHand(act: (context: Context) => Promise<unknown>): Promise<void>;
  /** The same stage, its account a real one's number. */
  asReal(): Partial<Call>;
  /** Removes all of it. */
  end(): void;
}

/** @returns a stage that nobody has applied yet */
export function rehearsedStage(): Rehearsed {
  const { path: folder, remove } = temporaryFolder('rehearsal');
  mkdirSync(join(folder, 'stages'));
  for (const file of ['demo.toml', 'demo-laboratories.pem']) {
    cpSync(join(ROOT, 'stages', file), join(folder, 'stages', file));
  }
  const callOf = (extra: Partial<Call>, lines: string[], printed: (value: unknown) => void): Call => ({
    ...namedStage(NAME, folder),
    identity: null,
    token: undefined,
    bring: null,
    overwrite: false,
    withData: false,
    release: null,
    secret: null,
    dryRun: false,
    told: false,
    leaked: false,
    typed: () => Promise.resolve(''),
    io: {
      say: (line) => void lines.push(...line.split('\n')),
      progress: () => undefined,
      print(value, text) {
        printed(value);
        lines.push(...text.split('\n'));
      },
    },
    ...extra,
  });
  const { file } = namedStage(NAME, folder).places;
  return {
    async run(command, extra = {}) {
      const lines: string[] = [];
      let json: unknown = null;
      let code = 1;
      try {
        code = await command(callOf(extra, lines, (value) => (json = value)));
      } catch (error) {
        lines.push(...(error instanceof Error ? error.message : String(error)).split('\n'));
      }
      return { code, lines: lines.map((line) => line.replaceAll(`${folder}/`, '')), json };
    },
    edit(from, to) {
      const text = readFileSync(file, 'utf8');
      if (!text.includes(from)) throw new Error(`${file} has no ${from}`);
      writeFileSync(file, text.replace(from, to));
    },
    byHand: (act) =>
      opened(
        callOf({}, [], () => undefined),
        async ({ context }) => void (await act(context)),
      ),
    asReal() {
      const { stage } = namedStage(NAME, folder);
      return {
        stage: { ...stage, account: NOBODYS_ACCOUNT },
        identity: join(dirname(dirname(file)), '.stage', NAME, 'identity.txt'),
      };
    },
    end: remove,
  };
}
