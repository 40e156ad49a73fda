/**
 * @module `npm run restore`: brings back what `origin` knew when the storage of its objects is lost (docs/restore.md). The restore key stays where its
 * file is: what goes over the wire opens one journal.
 */
import { readFile } from 'node:fs/promises';
import type { RestoreFacts, RestoreReply } from '../domain/restore.ts';
import { openerKey, secretOf } from '../domain/sealed-pages.ts';
import { fromBase64Url, toBase64Url } from '../protocol/primitives/bytes.ts';
import { LOG_ARGUMENTS } from './support/bucket-arguments.ts';
import { existingFile, flag, JSON_FLAG, text, url } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import type { OnProgress } from './support/command-line/progress.ts';
import { command } from './support/operator.ts';

/** What goes with each call. */
interface Call {
  readonly deployment: string | null;
  readonly journalSecret: string | null;
  readonly withoutJournal: boolean;
  readonly logKeys: readonly string[];
}

await run(
  {
    name: 'npm run restore',
    summary: `
Brings back what origin knew when the storage of SubmissionBuffer and Publisher is lost: from the event log, the private records and the journal of what
waited. Says what there is to restore, and does it when --confirm gives the name of the deployment, which is the portal's host. It refuses objects that are
not empty and a log that is not whole, and goes on where it was cut off.`,
    options: {
      url: url('where the portal is', { default: 'http://127.0.0.1:8787' }),
      'restore-key': existingFile('private half of RESTORE_PUBLIC_KEY, PEM; it is read here and sent nowhere', {
        default: null,
      }),
      'journal-secret': text('in place of the key: what another machine printed for the journal', { default: null }),
      'journal-header': text(
        'with --restore-key, on a machine without a network: prints the secret, and calls nobody',
        {
          default: null,
        },
      ),
      'without-journal': flag('goes on without the journal: keys that waited are lost'),
      'log-key': LOG_ARGUMENTS['log-key'],
      confirm: text('host of the portal: does it', { default: null, placeholder: 'NAME' }),
      json: JSON_FLAG,
    },
    notes: `
Exit code: 0 restored, or nothing is lost, or it can be restored; 1 it can't be, and why. --log-key: public keys of the event log from before its present one.
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
    examples: [
      'npm run restore -- --url https://portal.example.org --restore-key restore.pem',
      'npm run restore -- --url https://portal.example.org --restore-key restore.pem --confirm portal.example.org',
    ],
  },
  async (options, { print, progress }) => {
    const { confirm, 'restore-key': keyFile, 'without-journal': withoutJournal } = options;
    const pem = keyFile === null ? null : await readFile(keyFile, 'utf8');
    const header = options['journal-header'];
    if (header !== null) {
      if (pem === null) throw new UsageError('--restore-key: a file is needed with --journal-header');
      const journalSecret = await secretFor(pem, header);
      print({ journalSecret }, journalSecret);
      return 0;
    }
    const logKeys = await Promise.all((options['log-key'] ?? []).map((file) => readFile(file, 'utf8')));
    const call: Call = { deployment: null, journalSecret: options['journal-secret'], withoutJournal, logKeys };
    let reply = await step(options.url, call);
    let { journalSecret } = call;
    if (reply.kind === 'needs-secret' && pem !== null) {
      journalSecret = await secretFor(pem, reply.journalHeader);
      reply = await step(options.url, { ...call, journalSecret });
    }
    const isPossible = reply.kind === 'would-restore' || reply.kind === 'nothing-lost';
    if (confirm !== null && isPossible) {
      reply = await untilDone(options.url, { ...call, journalSecret, deployment: confirm }, progress);
    }
    print(reply, lines(reply, confirm !== null).join('\n'));
    return reply.kind === 'refused' || reply.kind === 'needs-secret' ? 1 : 0;
  },
);

async function secretFor(pem: string, header: string): Promise<string> {
  const secret = await secretOf(await openerKey(pem), fromBase64Url(header));
  if (!secret.ok) throw new Error(`journal header: ${secret.error}`);
  return toBase64Url(secret.value);
}

async function step(portal: string, call: Call): Promise<RestoreReply> {
  return (await command(portal, 'POST', '/operator/restore', call)) as RestoreReply;
}

async function untilDone(portal: string, call: Call, progress: OnProgress): Promise<RestoreReply> {
  for (;;) {
    const reply = await step(portal, call);
    if (reply.kind !== 'going-on') return reply;
    progress(reply.phase, reply.done, reply.total);
  }
}

function lines(reply: RestoreReply, isConfirmed: boolean): string[] {
  switch (reply.kind) {
    case 'nothing-lost':
      if (reply.parameters === null) return ['nothing is lost: no object is empty'];
      return [
        `parameters: version ${reply.parameters} ${isConfirmed ? 'is restored' : 'would be restored (--confirm)'}`,
      ];
    case 'refused':
      return [...reply.findings.map(({ object, what }) => `${object}: ${what}`), 'nothing is restored'];
    case 'needs-secret':
      return [
        'the holder of the restore key is needed: --restore-key, or on the machine that has it',
        `  npm run restore -- --restore-key restore.pem --journal-header ${reply.journalHeader}`,
        'and here --journal-secret with what that prints (--without-journal: keys that waited are lost)',
      ];
    case 'would-restore':
      return [...described(reply.facts), 'dry run: --confirm with the host of the portal restores it'];
    case 'going-on':
      return [`${reply.phase}: ${reply.done} of ${reply.total}`];
    case 'restored':
      return [...described(reply.facts), `restored; parameters are at version ${reply.parameters}`];
  }
}

function hourText(hour: number | null): string {
  return hour === null ? 'none' : `${new Date(hour * 3_600_000).toISOString().slice(0, 13)}Z`;
}

function described({ regions, recordedHour, knownKeys, journal, unloggedKeys }: RestoreFacts): string[] {
  return [
    ...regions.map(({ region, sequence, hour }) => `${region}: head ${sequence}, through hour ${hourText(hour)}`),
    `last recorded hour: ${hourText(recordedHour)}; known keys: ${knownKeys}`,
    journal === null
      ? 'journal: none, keys that waited are lost'
      : `journal of hour ${hourText(journal.hour)}: ${journal.keys} keys wait`,
    ...(unloggedKeys === 0 ? [] : [`a set of ${unloggedKeys} keys was being recorded: they wait again`]),
  ];
}
