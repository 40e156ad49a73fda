/**
 * @module `npm run authorities`: checks, imports and lists the health authorities whose certificates publish keys (docs/health-authorities.md).
 */
import { readFile } from 'node:fs/promises';
import { addsTrust, changedAuthorities } from '../domain/authority-list.ts';
import type { HealthAuthority } from '../protocol/publish/authorities.ts';
import { AUTHORITIES, type AuthoritiesArguments, authoritiesArguments } from './authorities/arguments.ts';
import { describeFault, readAuthorityFile } from './authorities/file.ts';
import { fetchJwks, keysFromJwks, readJwks } from './authorities/jwks.ts';
import { AuthorityPortal, type AuthoritiesStatus, merged, type SetReply } from './support/authorities.ts';
import { run } from './support/command-line/command.ts';

/** What a command found: the exit code, lines for a person, a value for a program. */
interface Outcome {
  readonly code: 0 | 1;
  readonly lines: readonly string[];
  readonly value: unknown;
}

const time = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;

function described({ id, name, issuer, audience, keys, regions, apps, reportTypes }: HealthAuthority): string[] {
  return [
    `${id}: ${name}, issuer ${issuer}, audience ${audience}`,
    `  apps ${apps.join(', ')}; regions ${regions.join(', ')}; reports ${reportTypes.join(', ')}`,
    ...keys.map(
      ({ kid, from, until }) =>
        `  key ${kid}, from ${from === 0 ? 'the beginning' : time(from)}${until === null ? '' : ` until ${time(until)}`}`,
    ),
  ];
}

function listed({ version, authorities, proposals, ...rest }: AuthoritiesStatus): Outcome {
  const lines = [
    version === 0
      ? 'no health authorities: no certificate is good'
      : `version ${version}, ${authorities.length} health authorities`,
    ...authorities.flatMap((one) => described(one)),
    ...proposals.map(
      ({ id, by, at }) =>
        `waits for a second person, of ${by}, ${time(at)}: npm run authorities -- agree --proposal ${id}`,
    ),
  ];
  return { code: 0, lines, value: { version, authorities, proposals, ...rest } };
}

/** A file that holds faults is said as an outcome, not thrown: each of them is on a line of its own. */
type Read =
  | { readonly ok: true; readonly authorities: readonly HealthAuthority[] }
  | { readonly ok: false; readonly outcome: Outcome };

async function read(
  { file, jwks, id }: AuthoritiesArguments,
  inForce: () => Promise<readonly HealthAuthority[]>,
): Promise<Read> {
  const parsed = file === null ? null : readAuthorityFile(await readFile(file, 'utf8'));
  if (parsed?.ok === false) {
    const lines = parsed.error.map((fault) => describeFault(fault));
    return { ok: false, outcome: { code: 1, lines, value: { valid: false, faults: parsed.error } } };
  }
  const known = jwks === null && parsed !== null ? [] : await inForce();
  const authorities = parsed === null ? known : parsed.value;
  if (jwks === null) return { ok: true, authorities };
  const [only] = authorities;
  const named = id === null && authorities.length === 1 ? only : authorities.find((one) => one.id === id);
  if (named === undefined) {
    const ids = authorities.map((one) => one.id).join(', ');
    throw new Error(
      `--id "${id ?? ''}": must name the authority whose keys these are, one of: ${ids === '' ? 'none' : ids}`,
    );
  }
  const published = readJwks(await fetchJwks(jwks), `--jwks "${jwks}"`);
  const former = known.find((one) => one.id === named.id);
  const keys = keysFromJwks([...named.keys, ...(former?.keys ?? [])], published);
  const rotated = { ...named, keys };
  return {
    ok: true,
    authorities: parsed === null ? [rotated] : authorities.map((one) => (one === named ? rotated : one)),
  };
}

function reported(reply: SetReply, changes: string): Outcome {
  switch (reply.kind) {
    case 'published':
      return { code: 0, lines: [`version ${reply.version} is in force${changes}`], value: reply };
    case 'unchanged':
      return { code: 0, lines: [`version ${reply.version} has just this already`], value: reply };
    case 'would-publish':
      return { code: 0, lines: [`dry run: would be version ${reply.version}${changes}`], value: reply };
    case 'needs-second-person':
      return {
        code: 0,
        lines: [`dry run: would be version ${reply.version}, once a second person agrees${changes}`],
        value: reply,
      };
    case 'proposed':
      return {
        code: 0,
        lines: [
          `not in force: a second person must agree to what adds trust${changes}`,
          `  npm run authorities -- agree --proposal ${reply.id}`,
        ],
        value: reply,
      };
    case 'conflict':
      return { code: 1, lines: [`version ${reply.version} is in force meanwhile: look at it first`], value: reply };
    case 'invalid':
      return { code: 1, lines: reply.faults.map((fault) => describeFault(fault)), value: reply };
  }
}

async function perform(args: AuthoritiesArguments): Promise<Outcome> {
  const portal = new AuthorityPortal(args.url, args.as);
  if (args.command === 'list') return listed(await portal.status());
  if (args.command === 'agree') return reported(await portal.agree(args.proposal), '');
  const offline = args.command === 'validate';
  const status = offline ? null : await portal.status();
  const found = await read(args, async () => status?.authorities ?? []);
  if (!found.ok) return found.outcome;
  const { authorities } = found;
  if (status === null)
    return {
      code: 0,
      lines: ['valid', ...authorities.flatMap((one) => described(one))],
      value: { valid: true, authorities },
    };
  const wanted = args.replace ? authorities : merged(status.authorities, authorities);
  const changes = changedAuthorities(status.authorities, wanted);
  const trust = addsTrust(status.authorities, wanted) ? ', adds trust' : '';
  const reply = await portal.set(wanted, args.expect ?? status.version, args.dryRun);
  return reported(reply, changes === '' ? '' : `: ${changes}${trust}`);
}

await run(AUTHORITIES, async (given, { print }) => {
  const { code, lines, value } = await perform(authoritiesArguments(given));
  print(value, lines.join('\n'));
  return code;
});
