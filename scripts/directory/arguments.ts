/** @module What `npm run directory` is called with. */
import {
  existingFile,
  flag,
  JSON_FLAG,
  oneOf,
  parsed,
  text,
  url,
  wholeNumber,
} from '../support/command-line/arguments.ts';
import { UsageError } from '../support/command-line/command.ts';
import type { Declaration } from '../support/command-line/declaration.ts';
import { CLUSTER, REGION_ID } from '../../protocol/directory/entry.ts';

/** What it does, in the order in which one comes to it. */
const ACTIONS = {
  certificate: 'makes a certificate of the tree and its key: --level, --out, --issuer-… below the root',
  keys: 'makes the Ed25519 key of a log or a witness: --type, --name, --out',
  policy: 'writes the policy that FILE describes, with the files it names in it: --out',
  add: 'signs the entry in FILE for a region: --certificate, --key; it waits in --dir for publish, or lies in --out',
  revoke: 'takes back what --fingerprint, --verification-key, --revoked or --remove name; signed and put as by add',
  publish:
    'takes what waits into the log, proposes a checkpoint, makes it public when enough witnesses have cosigned it: --key',
  witness: 'cosigns the checkpoint if it continues what was cosigned last: --key, --state',
  verify: 'checks all that a stranger can check; --state also that it continues what was seen last',
} as const;

const level = oneOf('certificate: which', { root: '', cluster: '', region: '', tls: '' }, 'region');
const type = oneOf('keys: whose', { log: '', witness: '' }, 'witness');
const optionalText = (about: string, placeholder: string) => text(about, { placeholder, default: null });
const optionalFile = (about: string) => existingFile(about, { default: null });
const regionId = parsed(
  'certificate: whose; revoke: of which region alone',
  { placeholder: 'ID', default: null, mustBe: 'a capital letter and a capital letter or digit' },
  (given) => (REGION_ID.test(given) ? given : undefined),
);
const cluster = parsed(
  'certificate: which; revoke: of which cluster alone',
  { placeholder: 'NAME', default: null, mustBe: 'lowercase letters, digits and hyphens, at most 32' },
  (given) => (CLUSTER.test(given) ? given : undefined),
);
const fingerprint = parsed(
  'revoke: a TLS certificate, by SHA-256 of its DER',
  { placeholder: 'HEX', default: null, mustBe: '64 hex digits, colons allowed' },
  (given) => {
    const digits = given.replaceAll(':', '').toLowerCase();
    return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined;
  },
);
const verificationKey = parsed(
  'revoke: a verification key',
  { placeholder: 'ID/VERSION', default: null, mustBe: 'id and version with a slash between them' },
  (given) => {
    const [keyId, keyVersion, more] = given.split('/');
    return keyId && keyVersion && more === undefined ? { keyId, keyVersion } : undefined;
  },
);

export const DIRECTORY = {
  name: 'npm run directory',
  summary:
    'The directory of backends as a transparency log (docs/directory.md): makes its keys and certificates, signs entries and revocations, publishes, witnesses, verifies.',
  positionals: { action: oneOf('what to do', ACTIONS, null), file: optionalFile('add, policy: what it is about') },
  options: {
    dir: text('the log as a folder', { placeholder: 'DIR', default: 'directory' }),
    url: url('add, revoke, witness, verify: the log where it is served, instead of --dir', { default: null }),
    policy: optionalFile('whom a reader trusts; every action but certificate, keys and policy needs it'),
    certificate: optionalFile("add, revoke: the signer's certificate and its authority's, PEM"),
    key: optionalFile('add, revoke: the private key, PEM; publish, witness: as keys made it'),
    state: optionalText('witness: what was cosigned last (SQLite); verify: what was seen last (JSON)', 'PATH'),
    out: optionalText(
      'certificate, keys: begins the names of the files; add, revoke, policy, witness: the file',
      'PATH',
    ),
    level,
    region: regionId,
    cluster,
    'issuer-certificate': optionalFile("certificate: the authority's, PEM"),
    'issuer-key': optionalFile("certificate: the authority's private key, PEM"),
    days: wholeNumber('certificate, add: until it ends', {
      min: 1,
      max: 3_650,
      default: null,
      defaultText: 'add: 90; certificate: root 3650, cluster 1095, else 398',
    }),
    type,
    name: optionalText('keys: of the log (its origin) or the witness, an address without its scheme', 'NAME'),
    fingerprint,
    'verification-key': verificationKey,
    revoked: optionalFile("revoke: a region's or cluster's certificate, by its public key, PEM"),
    remove: flag('revoke: the region is out, until it comes again with a new first entry'),
    'dry-run': flag('add, revoke, publish: says what would be, writes nothing; verify: keeps nothing in --state'),
    json: JSON_FLAG,
  },
  notes: `
Who does what: each region has its certificate and key and signs entries (add, revoke). One operator has the log's key and publishes.
Witnesses, who are others, cosign. Readers have the policy from somewhere else than the directory, and verify.`,
  examples: [
    'npm run directory -- certificate --level root --out keys/root',
    'npm run directory -- keys --type witness --name witness.example/w1 --out keys/w1',
    'npm run directory -- add de.json --policy policy.json --certificate keys/de.pem --key keys/de.key',
    'npm run directory -- publish --policy policy.json --key keys/log.secret',
    'npm run directory -- witness --url https://directory.example/ --policy policy.json --key keys/w1.secret --state w1.sqlite',
    'npm run directory -- verify --url https://directory.example/ --policy policy.json --state seen.json',
  ],
  exitCodes:
    '1 here: verify found a problem beyond leaves that are ignored; publish refused a statement; a witness found a fork or a rollback; a file is there already.',
} as const satisfies Declaration;

/** @throws UsageError when an option is missing that the action needs */
export function needed<T>(value: T | null, option: string, action: string): T {
  if (value === null) throw new UsageError(`${option}: is missing; ${action} needs it`);
  return value;
}
