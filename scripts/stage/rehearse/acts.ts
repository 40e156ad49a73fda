/** @module What is rehearsed, act by act: what is typed, what must come of it, and what shows that it did. */
import { apply } from '../command/apply.ts';
import { check } from '../command/check.ts';
import { destroy } from '../command/destroy.ts';
import { init } from '../command/init.ts';
import { plan } from '../command/plan.ts';
import { rollback } from '../command/rollback.ts';
import { rotate } from '../command/rotate.ts';
import { unlock } from '../command/unlock.ts';
import { limitOff, secretChanged } from './by-hand.ts';
import { lockLeft } from './lock-left.ts';
import type { Outcome, Rehearsed } from './rehearsed.ts';

/** One act. */
export interface Act {
  /** What happens, for a person. */
  readonly title: string;
  /** As it is typed; null: nothing is, somebody does something else. */
  readonly typed: string | null;
  /** Does it. */
  run(stage: Rehearsed): Promise<Outcome>;
  /** The exit code that is right. */
  readonly code: number;
  /** Words that must be among what it says; each is a proof. */
  readonly says: readonly RegExp[];
}

const DONE: Outcome = { code: 0, lines: [], json: null };
const COMMAND = 'npm run stage --';

/** Somebody does something past every command. */
const byHand = (title: string, act: Parameters<Rehearsed['byHand']>[0]): Act => ({
  title,
  typed: null,
  run: async (stage) => {
    await stage.byHand(act);
    return DONE;
  },
  code: 0,
  says: [],
});

const edited = (title: string, from: string, to: string): Act => ({
  title,
  typed: null,
  run: (stage) => {
    stage.edit(from, to);
    return Promise.resolve(DONE);
  },
  code: 0,
  says: [],
});

/** In order; each finds what the one before has left. */
export const ACTS: readonly Act[] = [
  {
    title: 'Keys and secrets are drawn and sealed',
    typed: `${COMMAND} init demo`,
    run: (stage) => stage.run(init),
    code: 0,
    says: [/^drawn \d+: TAN_MAC_KEY/, /undo-share-2\.age$/],
  },
  {
    title: 'What would change in an empty account',
    typed: `${COMMAND} plan demo`,
    run: (stage) => stage.run(plan),
    code: 0,
    says: [
      /^create {5}Worker exposure-edge-origin$/,
      /^plan of demo, account double: \d+ to create, .* Nothing was changed/,
    ],
  },
  {
    title: 'An account of Cloudflare’s, and no token',
    typed: `${COMMAND} plan demo   # account = "0123…"`,
    run: (stage) => stage.run(plan, stage.asReal()),
    code: 1,
    says: [/^CLOUDFLARE_API_TOKEN is not set/, /Account: Workers Scripts Write/],
  },
  {
    title: 'A token that may not read rules of the zone',
    typed: `${COMMAND} plan demo`,
    run: (stage) => stage.run(plan, { faults: [{ kind: 'forbidden', path: '/zones/*/rulesets/**', times: 1_000 }] }),
    code: 1,
    says: [/The API token lacks a permission; this needs Zone: Zone WAF Write.*nothing was changed by reading/],
  },
  {
    title: 'An apply during which the account begins to answer 500',
    typed: `${COMMAND} apply demo`,
    run: (stage) =>
      stage.run(apply, {
        faults: [{ kind: 'server-error', method: 'PUT', path: '/accounts/*/workers/scripts/*', call: 4, times: 1_000 }],
      }),
    code: 1,
    says: [/^What is left: /, /^To go on: npm run stage -- apply demo/],
  },
  {
    title:
      'The same again goes on where that one was cut off, though the account answers 429 once, and once with half an answer',
    typed: `${COMMAND} apply demo`,
    run: (stage) =>
      stage.run(apply, {
        faults: [
          { kind: 'too-many', retryAfterSeconds: 1, method: 'PUT', path: '/accounts/*/workers/domains', call: 2 },
          { kind: 'cut', when: 'after', method: 'POST', path: '/zones/*/workers/routes', call: 2 },
        ],
      }),
    code: 0,
    says: [/each host answers as it should$/],
  },
  {
    title: 'Account and file are the same, and each host answers',
    typed: `${COMMAND} check demo`,
    run: (stage) => stage.run(check),
    code: 0,
    says: [/the account is as the file says, and each host answers as it should$/],
  },
  {
    title: 'Another apply has nothing to do',
    typed: `${COMMAND} apply demo`,
    run: (stage) => stage.run(apply),
    code: 0,
    says: [/no Worker needed anything/],
  },
  byHand('Somebody switches a rate limit off in the dashboard', limitOff),
  {
    title: 'It is found',
    typed: `${COMMAND} check demo`,
    run: (stage) => stage.run(check),
    code: 1,
    says: [/^change {5}rate limit/, /enabled: false → true/, /1 differences? from the file/],
  },
  byHand('Somebody changes a secret by hand', secretChanged),
  {
    title: 'What was done to a Worker by hand isn’t lost unasked',
    typed: `${COMMAND} apply demo`,
    run: (stage) => stage.run(apply),
    code: 1,
    says: [/--overwrite/],
  },
  {
    title: 'Asked for, it is put right, with the limit',
    typed: `${COMMAND} apply demo --overwrite`,
    run: (stage) => stage.run(apply, { overwrite: true }),
    code: 0,
    says: [/each host answers as it should$/],
  },
  edited(
    'The health authority decides that keys are kept for 13 days',
    'export_key_id = "262"',
    'export_key_id = "262"\n\n[retention]\ndays = 13',
  ),
  {
    title: 'New versions go up without traffic, are asked by name, then get it',
    typed: `${COMMAND} apply demo`,
    run: (stage) => stage.run(apply),
    code: 0,
    says: [/origin: new version uploaded, without traffic/, /smoke checks/, /origin: traffic/],
  },
  {
    title: 'Back to what was before',
    typed: `${COMMAND} rollback demo`,
    run: (stage) => stage.run(rollback),
    code: 0,
    says: [/back: origin$/],
  },
  edited('The file follows', 'days = 13', 'days = 14'),
  {
    title: 'A key is rotated: whoever holds it accepts the next one, and makes nothing with it yet',
    typed: `${COMMAND} rotate demo UPLOAD_ID_KEY`,
    run: (stage) => stage.run(rotate, { secret: 'UPLOAD_ID_KEY' }),
    code: 0,
    says: [/^UPLOAD_ID_KEY, accept: /],
  },
  {
    title: 'It makes with it, and accepts the former one',
    typed: `${COMMAND} rotate demo UPLOAD_ID_KEY`,
    run: (stage) => stage.run(rotate, { secret: 'UPLOAD_ID_KEY' }),
    code: 0,
    says: [/^UPLOAD_ID_KEY, make: /],
  },
  {
    title: 'The former one goes when nothing that it made lives any more, and not today',
    typed: `${COMMAND} rotate demo UPLOAD_ID_KEY`,
    run: (stage) => stage.run(rotate, { secret: 'UPLOAD_ID_KEY' }),
    code: 0,
    says: [/nothing is due/, /^then drop, not before /],
  },
  {
    title: 'An apply was killed, and its lock is left',
    typed: `${COMMAND} apply demo`,
    run: async (stage) => {
      await stage.byHand(lockLeft);
      return stage.run(apply);
    },
    code: 1,
    says: [/^The stage is locked: /],
  },
  {
    title: 'Who knows that nobody applies takes it away',
    typed: `${COMMAND} unlock demo`,
    run: (stage) => stage.run(unlock, { typed: () => Promise.resolve('demo') }),
    code: 0,
    says: [/^demo is unlocked$/],
  },
  {
    title: 'Everything goes, but not by a name that is mistyped',
    typed: `echo demp | ${COMMAND} destroy demo`,
    run: (stage) => stage.run(destroy, { typed: () => Promise.resolve('demp') }),
    code: 1,
    says: [/^"demp" is not demo: nothing was done$/],
  },
  {
    title: 'Everything goes',
    typed: `${COMMAND} destroy demo --with-data`,
    run: (stage) => stage.run(destroy, { withData: true, typed: () => Promise.resolve('demo') }),
    code: 0,
    says: [/nothing of it is left in the account double$/],
  },
  {
    title: 'Nothing is left: a plan would make it all again',
    typed: `${COMMAND} plan demo`,
    run: (stage) => stage.run(plan),
    code: 0,
    says: [/^create {5}bucket exposure-edge-public$/, /^create {5}Worker exposure-edge-origin$/],
  },
];
