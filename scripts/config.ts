/**
 * @module `npm run config`: checks, compares, publishes and rolls back the parameter document (docs/parameters.md).
 */
import { readFile } from 'node:fs/promises';
import { differences } from '../domain/parameters/difference.ts';
import { validateParametersText } from '../domain/parameters/validate.ts';
import { type Audience, isEveryone } from '../protocol/parameters/config-head.ts';
import { describeViolation } from '../protocol/parameters/violation.ts';
import { type ConfigArguments, CONFIG, configArguments } from './config/arguments.ts';
import { run } from './support/command-line/command.ts';
import { type ConfigReply, type ConfigStatus, ParameterPortal } from './support/portal.ts';

/** What a command found: the exit code, lines for a person, a value for a program. */
interface Outcome {
  readonly code: 0 | 1;
  readonly lines: readonly string[];
  readonly value: unknown;
}

async function validate(text: string): Promise<Outcome> {
  const result = validateParametersText(text);
  if (result.ok) return { code: 0, lines: ['valid'], value: { valid: true } };
  return {
    code: 1,
    lines: result.error.map((violation) => describeViolation(violation)),
    value: { valid: false, violations: result.error },
  };
}

function audienceText(audience: Audience): string {
  if (isEveryone(audience)) return 'everyone';
  const versions = (wanted: Audience['android'] | Audience['ios']): string =>
    typeof wanted === 'string' ? wanted : `${wanted.min}..${wanted.max}`;
  return `${audience.percentage} % (Android ${versions(audience.android)}, iOS ${versions(audience.ios)})`;
}

function status(now: ConfigStatus): Outcome {
  const date = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;
  const head =
    now.issuedAt === null || now.validUntil === null
      ? 'nothing is published'
      : `version ${now.version}${now.published ? '' : ' (not in the bucket yet)'}, issued ${date(now.issuedAt)}, valid until ${date(now.validUntil)}`;
  const history = now.history.map(({ version, action, hour, documents }) => {
    const list = documents.map(({ sha256, size, audience }) => `${sha256} (${size} B) for ${audienceText(audience)}`);
    return `  ${version} ${action} ${date(hour * 3600)}: ${list.join('; ')}`;
  });
  const waiting = now.proposals.map(
    ({ id, by, at, action }) => `  ${action} of ${by}, ${date(at)}, waits for a second person: --proposal ${id}`,
  );
  return { code: 0, lines: [head, ...history, ...waiting], value: now };
}

async function diff(text: string, portal: ParameterPortal): Promise<Outcome> {
  const { history } = await portal.status();
  const stable = history[0]?.documents.at(-1);
  if (stable === undefined) return { code: 1, lines: ['nothing is published yet'], value: { published: false } };
  const found = differences(await portal.document(stable.sha256), JSON.parse(text));
  return {
    code: found.length === 0 ? 0 : 1,
    lines: found.length === 0 ? ['no difference'] : found.map((d) => `${d.path}: ${d.before} → ${d.after}`),
    value: { differences: found },
  };
}

function reported(reply: ConfigReply): Outcome {
  switch (reply.kind) {
    case 'published':
      return { code: 0, lines: [`version ${reply.version} is published`], value: reply };
    case 'accepted':
      return { code: 0, lines: [`version ${reply.version} is decided; the origin goes on writing it`], value: reply };
    case 'unchanged':
      return { code: 0, lines: [`version ${reply.version} has just this already`], value: reply };
    case 'would-publish':
      return { code: 0, lines: [`dry run: would be version ${reply.version}`], value: reply };
    case 'needs-second-person':
      return {
        code: 0,
        lines: [`dry run: would be version ${reply.version}, once a second person agrees`],
        value: reply,
      };
    case 'proposed':
      return {
        code: 0,
        lines: [
          `not published: a second person must agree to what goes to more than ${reply.abovePercentage} % of the phones`,
          `  npm run config -- agree --proposal ${reply.id}, or in the portal under “Parameters of phones”`,
        ],
        value: reply,
      };
    case 'conflict':
      return { code: 1, lines: [`version ${reply.version} is published meanwhile: look at it first`], value: reply };
    case 'invalid':
      return { code: 1, lines: reply.violations.map((violation) => describeViolation(violation)), value: reply };
  }
}

async function perform(args: ConfigArguments): Promise<Outcome> {
  const portal = new ParameterPortal(args.url);
  const text = args.file === null ? '' : await readFile(args.file, 'utf8');
  if (args.command === 'status') return status(await portal.status());
  if (args.command === 'agree') return reported(await portal.agree(args.proposal));
  if (args.command !== 'rollback') {
    const checked = await validate(text);
    if (args.command === 'validate' || checked.code !== 0) return checked;
  }
  if (args.command === 'diff') return diff(text, portal);
  const expected = args.expect ?? (await portal.status()).version;
  const { dryRun } = args;
  if (args.command === 'rollback') return reported(await portal.rollback({ toVersion: args.to, dryRun }, expected));
  return reported(await portal.publish({ document: text, audience: args.audience, dryRun }, expected));
}

await run(CONFIG, async (given, { print }) => {
  const { code, lines, value } = await perform(configArguments(given));
  print(value, lines.join('\n'));
  return code;
});
