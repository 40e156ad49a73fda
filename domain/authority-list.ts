/**
 * @module The document of health authorities (protocol/publish/authorities.ts) as an operator writes it: what may stand in it, said by field, value and
 * rule, and what a change of it needs. Whoever adds to it decides whose certificates publish keys, so a second person agrees where the parameters in
 * force ask for one (decision 063); whoever takes away may do so alone: it is the brake.
 */
import * as z from 'zod';
import { spkiFromBase64 } from '../protocol/directory/spki.ts';
import { type Result, err, ok } from '../protocol/primitives/result.ts';
import type { Authorities, HealthAuthority } from '../protocol/publish/authorities.ts';
import { CERTIFIED_REPORTS } from '../protocol/publish/report-type.ts';
import type { Consent } from './parameters/publication.ts';
import { type JsonLimits, parseStrictJson } from './strict-json.ts';

/** Some 200 authorities with two keys each; what is larger was made by mistake. */
export const MAX_AUTHORITIES_CHARACTERS = 262_144;
const JSON_LIMITS: JsonLimits = { depth: 8, members: 20_000 };
/** A second person is never asked where the limit is everybody: docs/parameters.md. */
const EVERYBODY_PERCENTAGE = 100;
const MAX_FAULTS = 50;

/** What is wrong with a document. */
export interface AuthorityFault {
  /** `authorities[0].keys[1].publicKey`; empty for the document as a whole. */
  readonly field: string;
  /** As JSON, the beginning of it. */
  readonly value: string;
  readonly rule: string;
}

/** What `portal` asks `origin` for. */
export interface SetAuthoritiesRequest {
  /** JSON: `{"authorities": […]}`. */
  readonly document: string;
  /** True: says what would happen, changes nothing. */
  readonly dryRun: boolean;
}

/**
 * published: in force from now on, within a minute everywhere. unchanged: just this is in force. conflict: somebody else was first; `version` is in force.
 * needs-second-person: it adds trust, and the parameters in force want a second person; nothing changed.
 */
export type AuthoritiesReply =
  | { readonly kind: 'published' | 'would-publish' | 'unchanged' | 'conflict'; readonly version: number }
  | { readonly kind: 'needs-second-person'; readonly version: number; readonly abovePercentage: number }
  | { readonly kind: 'invalid'; readonly faults: readonly AuthorityFault[] };

/** The part of origin#BackOffice that concerns health authorities; bound by `portal` alone. */
export interface AuthoritiesBackOfficeRpc {
  /** @param expectedVersion the version the operator has seen, 0 before the first @param persons how many agreed, as `portal` knows them; left out: one */
  setAuthorities(request: SetAuthoritiesRequest, expectedVersion: number, persons?: number): Promise<AuthoritiesReply>;
  /** @returns what is in force */
  authorities(): Promise<Authorities>;
}

const name = (most: number) =>
  z.string(`must be a text`).min(1, `must have 1..${most} characters`).max(most, `must have 1..${most} characters`);
const instant = z
  .int('must be whole Unix seconds')
  .min(0, 'must be whole Unix seconds')
  .max(253_402_300_799, 'must be whole Unix seconds');
const list = <T extends z.ZodType>(entry: T, least: number, most: number) =>
  z
    .array(entry, 'must be a list')
    .min(least, `must have ${least}..${most} entries`)
    .max(most, `must have ${least}..${most} entries`);

const keySchema = z
  .strictObject(
    {
      kid: name(128),
      publicKey: z
        .string('must be a text')
        .refine((text) => spkiFromBase64(text) !== null, 'must be a P-256 public key, SubjectPublicKeyInfo in base64'),
      from: instant,
      until: instant.nullable(),
    },
    'must be an object',
  )
  .refine(({ from, until }) => until === null || from < until, { path: ['until'], message: 'must be after from' });

const authoritySchema = z.strictObject(
  {
    id: z.string('must be a text').regex(/^[a-z0-9-]{1,64}$/, 'must match [a-z0-9-]{1,64}'),
    name: name(200),
    issuer: name(256),
    audience: name(256),
    keys: list(keySchema, 0, 50),
    regions: list(
      z.string('must be a text').regex(/^[A-Z]{2}$/, 'must be two capital letters, ISO 3166-1 alpha-2'),
      1,
      50,
    ),
    apps: list(name(256), 1, 100),
    reportTypes: list(
      z.enum(CERTIFIED_REPORTS, `must be one of ${CERTIFIED_REPORTS.join(', ')}`),
      1,
      CERTIFIED_REPORTS.length,
    ),
    stats: z.literal(true, 'must be true, or be left out').exactOptional(),
  },
  'must be an object',
);

const documentSchema = z.strictObject({ authorities: list(authoritySchema, 0, 500) }, 'must be an object');

const faultOf = (field: string, value: unknown, rule: string): AuthorityFault => ({
  field,
  value: (JSON.stringify(value) ?? 'nothing').slice(0, 100),
  rule,
});

const fieldOf = (path: readonly PropertyKey[]): string =>
  path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');

const valueAt = (document: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((value: unknown, part) => (value as Record<PropertyKey, unknown> | null | undefined)?.[part], document);

/** @returns faults of entries that stand twice in a list, where each may stand once */
function twice(values: readonly string[], fieldOfEntry: (n: number) => string): AuthorityFault[] {
  return values.flatMap((value, n) =>
    values.indexOf(value) < n ? [faultOf(fieldOfEntry(n), value, 'stands twice')] : [],
  );
}

/**
 * @param document parsed JSON
 * @returns the authorities, or everything that is wrong: with its structure, or else between its fields
 */
export function readAuthorities(document: unknown): Result<readonly HealthAuthority[], readonly AuthorityFault[]> {
  const parsed = documentSchema.safeParse(document);
  if (!parsed.success) {
    const faults = parsed.error.issues.flatMap((issue) => {
      if (issue.code !== 'unrecognized_keys')
        return [faultOf(fieldOf(issue.path), valueAt(document, issue.path), issue.message)];
      return issue.keys.map((key) =>
        faultOf(
          fieldOf([...issue.path, key]),
          valueAt(document, [...issue.path, key]),
          'is not a field of this document',
        ),
      );
    });
    return err(faults.slice(0, MAX_FAULTS));
  }
  const { authorities } = parsed.data;
  const faults = [
    ...twice(
      authorities.map(({ id }) => id),
      (n) => `authorities[${n}].id`,
    ),
    ...twice(
      authorities.map(({ issuer }) => issuer),
      (n) => `authorities[${n}].issuer`,
    ),
    ...authorities.flatMap(({ keys, regions, apps, reportTypes }, n) => [
      ...twice(
        keys.map(({ kid }) => kid),
        (k) => `authorities[${n}].keys[${k}].kid`,
      ),
      ...twice(regions, (k) => `authorities[${n}].regions[${k}]`),
      ...twice(
        apps.map((app) => app.toLowerCase()),
        (k) => `authorities[${n}].apps[${k}]`,
      ),
      ...twice(reportTypes, (k) => `authorities[${n}].reportTypes[${k}]`),
    ]),
  ];
  return faults.length === 0 ? ok(authorities) : err(faults.slice(0, MAX_FAULTS));
}

/** @param text JSON of a document @returns as {@link readAuthorities} */
export function readAuthoritiesText(text: string): Result<readonly HealthAuthority[], readonly AuthorityFault[]> {
  const refuse = (rule: string) => err([{ field: '', value: `${text.length} characters`, rule }]);
  if (text.length > MAX_AUTHORITIES_CHARACTERS)
    return refuse(`must be at most ${MAX_AUTHORITIES_CHARACTERS} characters`);
  const json = parseStrictJson(text, JSON_LIMITS);
  if (json.ok) return readAuthorities(json.value);
  return refuse(
    json.error.kind === 'duplicate-name' ? 'names a field twice in one object' : 'must be JSON, of few levels',
  );
}

/** @returns whether some certificate is good after a change that wasn't before it, for some app, or somebody may read statistics */
export function addsTrust(before: readonly HealthAuthority[], after: readonly HealthAuthority[]): boolean {
  return after.some((authority) => {
    const former = before.find(({ id }) => id === authority.id);
    if (former === undefined || former.issuer !== authority.issuer || former.audience !== authority.audience)
      return true;
    const within = (some: readonly string[], all: readonly string[]) => some.every((one) => all.includes(one));
    const hasNewKey = authority.keys.some(
      ({ kid, publicKey, from, until }) =>
        !former.keys.some(
          (key) =>
            key.kid === kid &&
            key.publicKey === publicKey &&
            key.from <= from &&
            (key.until === null || (until !== null && until <= key.until)),
        ),
    );
    const { regions, apps, reportTypes } = authority;
    return (
      hasNewKey ||
      !within(regions, former.regions) ||
      !within(apps, former.apps) ||
      !within(reportTypes, former.reportTypes) ||
      (authority.stats === true && former.stats !== true)
    );
  });
}

/** @returns which authorities a document adds (+), changes (~) and removes (-), by their ids, for the audit log */
export function changedAuthorities(before: readonly HealthAuthority[], after: readonly HealthAuthority[]): string {
  const textOf = (all: readonly HealthAuthority[], id: string) => JSON.stringify(all.find((one) => one.id === id));
  return [...new Set([...before, ...after].map(({ id }) => id))]
    .flatMap((id) => {
      const [former, next] = [textOf(before, id), textOf(after, id)];
      if (former === next) return [];
      return `${former === undefined ? '+' : next === undefined ? '-' : '~'}${id}`;
    })
    .join(' ');
}

/**
 * Decides what a new document makes of the one in force.
 *
 * @param current what is in force
 * @param expectedVersion what the operator has seen
 * @param consent whether enough people agreed
 * @returns what comes into force, or why nothing does
 */
export function planAuthorities(
  current: Authorities,
  document: string,
  expectedVersion: number,
  { persons, inForce }: Consent,
): Result<Authorities, AuthoritiesReply> {
  if (expectedVersion !== current.version) return err({ kind: 'conflict', version: current.version });
  const read = readAuthoritiesText(document);
  if (!read.ok) return err({ kind: 'invalid', faults: read.error });
  const authorities = read.value;
  if (JSON.stringify(authorities) === JSON.stringify(current.authorities))
    return err({ kind: 'unchanged', version: current.version });
  const version = current.version + 1;
  const abovePercentage = inForce?.publication.secondPersonAbovePercentage ?? EVERYBODY_PERCENTAGE;
  if (abovePercentage < EVERYBODY_PERCENTAGE && persons < 2 && addsTrust(current.authorities, authorities)) {
    return err({ kind: 'needs-second-person', version, abovePercentage });
  }
  return ok({ version, authorities });
}

/** @param payload of a signed document @returns the document, or null when it isn't one of ours */
export function readPublished(payload: unknown): Authorities | null {
  if (typeof payload !== 'object' || payload === null) return null;
  const { version, ...document } = payload as { readonly version?: unknown };
  const read = readAuthorities(document);
  return read.ok && typeof version === 'number' && Number.isSafeInteger(version) && version > 0
    ? { version, authorities: read.value }
    : null;
}
