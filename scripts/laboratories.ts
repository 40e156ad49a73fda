/**
 * @module `npm run laboratories`: makes the key of the list of laboratories, signs the list, checks it (docs/laboratory.md).
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LaboratoryList } from '../domain/laboratory-list.ts';
import { fingerprintOf } from './lab/connection.ts';
import { DEFAULT_KEY_ID, openList, readWrittenList, signList } from './laboratories/list.ts';
import { existingFile, JSON_FLAG, oneOf, text } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';

const PRIVATE_FILE = 'laboratories.pem';
const PUBLIC_FILE = 'laboratories-public.pem';

const ACTIONS = {
  keys: `makes ${PRIVATE_FILE}, which stays with whoever signs, and ${PUBLIC_FILE}, which the Worker gets`,
  sign: 'signs the list in FILE',
  check: 'says what the signed list in FILE says, if its signature is right',
  fingerprint: 'prints what the list calls the certificate in FILE',
} as const;

function described({ version, laboratories }: LaboratoryList): string {
  const lines = laboratories.map(
    ({ id, name, certificateFingerprints, birthDate }) =>
      `  ${id}: ${name}, ${certificateFingerprints.length} certificates, date of birth ${birthDate}`,
  );
  return [`version ${version}, ${laboratories.length} laboratories`, ...lines].join('\n');
}

/** Neither file may be there: a key that is replaced unseen locks all laboratories out. @returns their names */
async function makeKeys(folder: string): Promise<{ readonly private: string; readonly public: string }> {
  await mkdir(folder, { recursive: true });
  const files = { private: join(folder, PRIVATE_FILE), public: join(folder, PUBLIC_FILE) };
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(files.private, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
  // A crash in between leaves a private key alone, from which `openssl ec -pubout` makes the other half.
  const publicPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
  await writeFile(files.public, publicPem, { flag: 'wx' });
  return files;
}

await run(
  {
    name: 'npm run laboratories',
    summary: 'Makes the key of the list of laboratories, signs the list and checks it; needs no server, sends nothing.',
    positionals: {
      action: oneOf('what to do', ACTIONS, null),
      file: existingFile('what sign, check and fingerprint are about', { default: null }),
    },
    options: {
      key: existingFile(`sign: the private key, ${PRIVATE_FILE}`, { default: null }),
      public: existingFile(`check: the public key, ${PUBLIC_FILE}`, { default: null }),
      'key-id': text('sign, check: as LABORATORY_LIST_KEY_ID in wrangler.toml', {
        placeholder: 'NAME',
        default: DEFAULT_KEY_ID,
      }),
      out: text('keys: the folder; sign: the signed list', {
        placeholder: 'PATH',
        default: null,
        defaultText: 'keys: this folder; sign: FILE.signed',
      }),
      json: JSON_FLAG,
    },
    notes: `
The list is JSON: {"version": 1, "laboratories": [{"id": "harbour", "name": "Harbour Laboratory", "certificates": ["harbour.pem"],
"birthDate": "required"}]}. Certificates are files beside it, or "certificateFingerprints"; "birthDate" is optional where it is left out. Each
list has a higher version than the one before. Whoever has the role lab-admin brings the signed list to the portal, page Laboratories.`,
    examples: [
      'npm run laboratories -- keys --out keys',
      'npm run laboratories -- sign laboratories.json --key keys/laboratories.pem',
      'npm run laboratories -- check laboratories.json.signed --public keys/laboratories-public.pem',
    ],
    exitCodes: '1 here: a file is there already, or is not what it should be; or the signature is not valid.',
  },
  async ({ action, file, key, public: publicKey, 'key-id': keyId, out }, { print }) => {
    if (action === 'keys') {
      if (file !== null) throw new UsageError(`FILE: "${file}" must not stand after keys`);
      const files = await makeKeys(out ?? '.');
      print(files, `made ${files.private} (keep it where no Worker is) and ${files.public}`);
      return 0;
    }
    if (file === null) throw new UsageError(`FILE: is missing; ${action} needs one`);
    if (action === 'fingerprint') {
      const fingerprint = fingerprintOf(await readFile(file, 'utf8'));
      print({ fingerprint }, fingerprint);
      return 0;
    }
    if (action === 'check') {
      if (publicKey === null) throw new UsageError('--public: is missing');
      const list = openList(await readFile(file, 'utf8'), await readFile(publicKey, 'utf8'), keyId);
      print(list, described(list));
      return 0;
    }
    if (key === null) throw new UsageError('--key: is missing');
    const list = await readWrittenList(file);
    const target = out ?? `${file}.signed`;
    await writeFile(target, `${signList(list, await readFile(key, 'utf8'), keyId)}\n`);
    print({ ...list, file: target }, `${described(list)}\nsigned: ${target}`);
    return 0;
  },
);
