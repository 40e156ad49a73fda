/** @module In Node alone, since some hundred certificates are made until one has the fingerprint that is wanted. */
import { it } from 'vitest';
import { issueCertificate } from '../../test/support/certificate-authority.ts';
import {
  entryLeaf,
  entryOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
} from '../../test/support/directory-world.ts';
import type { Certificate } from '../certificates/certificate.ts';
import { clientOf } from './clients.ts';
import { foldLeaves } from './fold.ts';

const NAME = 'C=DE, OU=eu, CN=Consumer of DE';
const fingerprintOf = ({ x509 }: Certificate) => x509.fingerprint256.replaceAll(':', '').toLowerCase();

it('a fingerprint that begins with zeros is as long as any other', async ({ expect }) => {
  const root = await makeRoot();
  const cluster = await makeCluster(root, 'eu');
  const region = await makeRegion(cluster, 'C=DE, OU=eu, CN=Directory of DE');
  const { keys } = await issueCertificate({ name: NAME, notBefore: NOW }, null);
  let found: Certificate | null = null;
  for (let i = 0; i < 4_000 && found === null; i++) {
    const made = await makeTls(cluster, NAME, { keys });
    if (fingerprintOf(made).startsWith('00')) found = made;
  }
  if (found === null) throw new Error('none in 4,000, though one in 256 has it');
  const { entries } = foldLeaves([entryLeaf(region, entryOf(region, [found]))], [root.certificate], NOW);
  expect(entries[0]?.tlsFingerprints[0]).toMatch(/^00[0-9a-f]{62}$/);
  expect(clientOf(entries, fingerprintOf(found).toUpperCase(), NOW)).toMatchObject({ ok: true });
  expect(clientOf(entries, fingerprintOf(found).replace(/^0+/, ''), NOW)).toMatchObject({ error: 'unlisted' });
});
