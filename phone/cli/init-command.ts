/** @module `phone init`: makes a phone, with the keys that an app has built in. */
import { join } from 'node:path';
import { allow, type Io, isoOf, type Options, positional, required, UsageError } from './calling.ts';
import { publicKey } from './file-commands.ts';
import { origin, say } from './phone-commands.ts';
import { createPhone, withPhones } from './phone-directory.ts';
import { readPolicy } from './region-commands.ts';
import { regionStoresOf } from './region-stores.ts';

/** `phone init DIR --pins DIR` @throws {UsageError | UnreadableError | RefusedError} */
export async function init(given: readonly string[], options: Options, io: Io): Promise<number> {
  const own = ['url', 'upload-url', 'verification-url', 'pins', 'key-id', 'key-version'] as const;
  const ofManifest = ['manifest-key-id', 'next-manifest-key-id'] as const;
  allow('init', options, [...own, ...ofManifest, 'region', 'local-clock', 'policy', 'directory']);
  const [directory] = positional('init', given, ['DIR']);
  const pins = required('init', 'pins', options.pins);
  const downloadUrl = origin('init', 'url', options.url ?? 'http://127.0.0.1:8787');
  const other = (name: 'upload-url' | 'verification-url') => {
    const value = options[name];
    return value === undefined ? downloadUrl : origin('init', name, value);
  };
  const region = options.region ?? 'DE';
  if (!/^[A-Z]{2,3}$/.test(region))
    throw new UsageError(`init: --region: "${region}" must be DE, EUR or another in capitals`);
  const next = options['next-manifest-key-id'];
  const policy = options.policy === undefined ? null : await readPolicy(options.policy, options.directory, downloadUrl);
  await createPhone(directory, {
    downloadUrl,
    uploadUrl: other('upload-url'),
    verificationUrl: other('verification-url'),
    region,
    exportKey: {
      publicKeySpki: await publicKey(join(pins, 'public.pem')),
      keyId: options['key-id'] ?? '262',
      keyVersion: options['key-version'] ?? 'v1',
    },
    manifestKeys: {
      [options['manifest-key-id'] ?? 'manifest-v1']: await publicKey(join(pins, 'manifest-public.pem')),
      ...(next === undefined ? {} : { [next]: await publicKey(join(pins, 'manifest-next-public.pem')) }),
    },
    localClock: options['local-clock'] === true,
  });
  // Died before this, the phone knows no other region until one is added with a policy.
  if (policy !== null) await regionStoresOf(directory).policy.save(policy);
  const phone = await withPhones([directory], (opened) => Promise.resolve(opened));
  const text = `${directory} is a phone: region ${region} at ${downloadUrl}, its clock says ${isoOf(phone.now)}`;
  return say(io, options, { phone: directory, region, url: downloadUrl, now: phone.now }, text);
}
