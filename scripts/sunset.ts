/**
 * @module `npm run sunset`: ends a deployment: tells phones, stops, purges and proves (docs/sunset.md).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dateOf, isUtcDate, SECONDS_PER_HOUR } from '../protocol/gaen/intervals.ts';
import { endOfService, withEndOfService } from '../protocol/parameters/end-of-service.ts';
import type { Parameters } from '../protocol/parameters/document.ts';
import { spkiFromPem } from '../protocol/signing.ts';
import { existingFile, flag, JSON_FLAG, oneOf, parsed, text, url } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { type ConfigReply, ParameterPortal } from './support/portal.ts';
import { bucketLines, readCertificate, type StepReply, SunsetPortal, type SunsetStatus } from './support/sunset.ts';

/** What a step found: exit code, lines for a person, a value for a program. */
interface Outcome {
  readonly code: 0 | 1;
  readonly lines: readonly string[];
  readonly value: unknown;
}

const hourText = (hour: number): string =>
  `${dateOf(hour * SECONDS_PER_HOUR)} ${String(hour % 24).padStart(2, '0')}h UTC`;

function statusLines({ deployment, ending, objects, buckets }: SunsetStatus): string[] {
  const rows = (tables: Readonly<Record<string, number>>): number => Object.values(tables).reduce((a, b) => a + b, 0);
  return [
    `deployment “${deployment}”${deployment === '' ? ': DEPLOYMENT_NAME is not set, so it can’t be ended' : ''}`,
    ...objects.map(
      ({ object, phase, bytes, tables, hasAlarm }) =>
        `  ${object.padEnd(16)} ${phase.padEnd(8)} ${rows(tables)} rows, ${bytes} bytes${hasAlarm ? ', an alarm' : ''}`,
    ),
    ...Object.entries(buckets).map(([folder, { objects: n, bytes }]) => `  ${folder}: ${n} objects, ${bytes} bytes`),
    `keys that wait: ${ending.waits ? 'some' : 'none'}; every head says that the service has ended: ${ending.announced ? 'yes' : 'no'}`,
  ];
}

const NEXT = { stop: 'purge, once what waits is published', purge: 'prove' } as const;

function stepped(reply: StepReply, step: 'stop' | 'purge'): Outcome {
  switch (reply.kind) {
    case 'would':
      return {
        code: 0,
        lines: [...statusLines(reply.status), `dry run: ${step} would be possible; with --confirm two persons do it`],
        value: reply,
      };
    case 'waits':
      return {
        code: 0,
        lines: [`${reply.by} has asked for it; another person must give the same command within a day`],
        value: reply,
      };
    case 'early':
      return { code: 1, lines: [`too early; first comes: ${reply.first}`], value: reply };
    case 'done':
      return { code: 0, lines: [...statusLines(reply.status), `done; next: ${NEXT[step]}`], value: reply };
  }
}

async function announce(address: string, date: string, confirm: boolean): Promise<Outcome> {
  const portal = new ParameterPortal(address);
  const { version, history } = await portal.status();
  const stable = history[0]?.documents.at(-1);
  if (stable === undefined) throw new Error('no parameters are published yet: phones can’t be told by them');
  const document = (await portal.document(stable.sha256)) as Parameters;
  const told = { ...document, appFeatures: withEndOfService(document.appFeatures, date) };
  const reply: ConfigReply = await portal.publish(
    { document: JSON.stringify(told), audience: null, dryRun: !confirm },
    version,
  );
  const bad = reply.kind === 'conflict' || reply.kind === 'invalid';
  const second = reply.kind === 'proposed' ? [`  a second person: npm run config -- agree --proposal ${reply.id}`] : [];
  const before = endOfService(document.appFeatures);
  const lines = [`phones were told: ${before ?? 'nothing'}; now: ${date} (${reply.kind})`, ...second];
  return { code: bad ? 1 : 0, lines, value: reply };
}

async function prove(portal: SunsetPortal, to: string | null): Promise<Outcome> {
  const reply = await portal.prove();
  if (reply.kind === 'left') {
    return { code: 1, lines: [...reply.what.map((one) => `left: ${one}`), 'NOT PROVED'], value: reply };
  }
  if (to !== null) writeFileSync(to, reply.certificate);
  return { code: 0, lines: proofLines(reply.proof), value: reply };
}

function proofLines(proof: ReturnType<typeof readCertificate> & object): string[] {
  const { deployment, provedHour, log, heads, objects, buckets, audit, recovery } = proof;
  return [
    `deployment “${deployment}”, looked at in ${hourText(provedHour)}`,
    `  event log: ${log.sequence} entries, the last ${log.sha256 ?? 'none'}`,
    `  audit log: ${audit?.entries ?? 0} entries, the last ${audit?.chain ?? 'none'}`,
    ...heads.map(({ region, sequence, payloadSha256 }) => `  last head of ${region}: ${sequence}, ${payloadSha256}`),
    `  ${objects.length} objects hold the row that says that they have ended, and nothing else`,
    ...bucketLines(buckets),
    ...recovery.map(
      ({ what, endsOn }) => `  left to the platform: ${what}${endsOn === null ? '' : `, gone on ${endsOn}`}`,
    ),
    'PROVED: nothing else is left in any object or bucket',
  ];
}

function check(certificate: string | null, key: string | null): Outcome {
  if (certificate === null || key === null) throw new UsageError('check: give --certificate and --log-key');
  const proof = readCertificate(readFileSync(certificate, 'utf8'), spkiFromPem(readFileSync(key, 'utf8')));
  if (proof === null) return { code: 1, lines: ['NOT SIGNED by this key'], value: { signed: false } };
  return { code: 0, lines: ['signed by this key:', ...proofLines(proof)], value: { signed: true, proof } };
}

await run(
  {
    name: 'npm run sunset',
    summary: `
Ends a deployment, in this order: plan (what there is), announce (phones are told the day), stop (nothing new is taken in; what waits is
published), purge (everything is destroyed), prove (a signed certificate that nothing is left). The whole way is in docs/sunset.md.`,
    positionals: {
      action: oneOf(
        'what to do',
        {
          plan: 'says what there is, and how far it is; changes nothing',
          announce: 'publishes the day in the parameters; needs --date',
          stop: 'ends uploads, codes and results for good; needs --deployment and a second person',
          purge: 'destroys every object and bucket; needs --deployment and a second person',
          prove: 'looks at everything and has the certificate signed; --to writes it',
          check: 'says whether a certificate is signed; needs --certificate and --log-key, no server',
        },
        null,
      ),
    },
    options: {
      url: url('the portal, as of a local edge', { default: 'http://127.0.0.1:8787' }),
      deployment: text('stop, purge: the name of the deployment, typed', { default: null, placeholder: 'NAME' }),
      confirm: flag('announce, stop, purge: does it; without it a dry run'),
      date: parsed(
        'announce: the last UTC day of the service',
        { default: null, placeholder: 'YYYY-MM-DD', mustBe: 'a day that exists' },
        (given) => (isUtcDate(given) ? given : undefined),
      ),
      to: text('prove: file for the certificate', { default: null, placeholder: 'FILE' }),
      certificate: existingFile('check: a certificate', { default: null }),
      'log-key': existingFile('check: the public key of the log, PEM', { default: null }),
      as: text('at a local edge: under another name, as the second person', { default: null, placeholder: 'NAME' }),
      json: JSON_FLAG,
    },
    notes: `
Exit code: 0 done, or as a dry run possible; 1 too early, refused, or not proved. What is purged can't be brought back by anybody but the platform,
for 30 days.`,
    examples: [
      'npm run sunset -- plan',
      'npm run sunset -- announce --date 2027-01-31 --confirm',
      "npm run sunset -- stop --deployment 'warn-app de production' --confirm",
      'npm run sunset -- prove --to certificate.json',
      'npm run sunset -- check --certificate certificate.json --log-key log-public.pem',
    ],
  },
  async (options, { print }) => {
    const { action, deployment, confirm, date } = options;
    const portal = new SunsetPortal(options.url, options.as);
    const outcome = await (async (): Promise<Outcome> => {
      switch (action) {
        case 'plan': {
          const status = await portal.status();
          return { code: 0, lines: statusLines(status), value: status };
        }
        case 'announce':
          if (date === null) throw new UsageError('announce: give --date');
          return announce(options.url, date, confirm);
        case 'stop':
        case 'purge':
          if (deployment === null) throw new UsageError(`${action}: type the name of the deployment, --deployment`);
          return stepped(await portal.step(action, deployment, !confirm), action);
        case 'prove':
          return prove(portal, options.to);
        case 'check':
          return check(options.certificate, options['log-key']);
      }
    })();
    print(outcome.value, outcome.lines.join('\n'));
    return outcome.code;
  },
);
