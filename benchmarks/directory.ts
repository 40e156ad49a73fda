/**
 * @module `npm run bench:directory`: what reading the directory of backends costs a reader, by processor time: all of it for the first
 * time, and again when nothing or one region is new. 300 regions are the world of arXiv:2006.13087 §2.2. Writes results/directory.md.
 */
import { cpuUsage } from 'node:process';
import { readCertificate } from '../protocol/certificates/certificate.ts';
import { checkpointText, cosign } from '../protocol/directory/checkpoint.ts';
import type { EntryStatement } from '../protocol/directory/entry.ts';
import { leafHash, rootOf } from '../protocol/directory/merkle.ts';
import { noteBytes, noteSecret, signNote } from '../protocol/directory/note.ts';
import type { DirectoryPolicy } from '../protocol/directory/policy.ts';
import { type DirectorySource, readDirectory } from '../protocol/directory/read.ts';
import { certificateText, rememberingOpen, signStatement } from '../protocol/directory/statement.ts';
import { bundlesOf, CHECKPOINT_PATH, objectsOf } from '../protocol/directory/tiles.ts';
import { toBase64 } from '../protocol/primitives/bytes.ts';
import { signerFromPkcs8Pem } from '../protocol/signing.ts';
import { run } from '../scripts/support/command-line/command.ts';
import {
  type CertificateLevel,
  type Issued,
  issueDirectoryCertificate,
} from '../scripts/support/directory/certificates.ts';
import { chainFromPem } from '../scripts/support/directory/statements.ts';
import { REPORT_OPTIONS, writeReport } from '../scripts/support/report.ts';

const REGIONS = [30, 300];
/** Each region has said something so often. */
const STATEMENTS = 4;
const NOW = 1_795_000_000;
const ORIGIN = 'directory.example';
const LOG = noteSecret(ORIGIN, 'note', new Uint8Array(32).fill(1));
const WITNESSES = [2, 3, 4].map((byte) => noteSecret(`w${byte}.example`, 'cosignature', new Uint8Array(32).fill(byte)));
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

const issue = (level: CertificateLevel, issuer: Issued | null, region: string | null = null): Promise<Issued> =>
  issueDirectoryCertificate({ level, region, cluster: issuer === null ? null : 'eu', now: NOW, days: 300, issuer });

async function statementsOf(region: string, cluster: Issued): Promise<Uint8Array[]> {
  const signer = await issue('region', cluster, region);
  const chain = chainFromPem(signer.chain);
  const key = signerFromPkcs8Pem(signer.key);
  const tls = await Promise.all([1, 2].map(async () => chainFromPem((await issue('tls', cluster, region)).chain)[0]));
  const [certificate] = chain;
  if (certificate === undefined) throw new Error('a certificate is expected');
  return Array.from({ length: STATEMENTS }, (_, i) => {
    const host = `https://${region.toLowerCase()}.example/`;
    const body: EntryStatement = {
      sequence: i + 1,
      issuedAt: NOW,
      chain: chain.map((one) => certificateText(one)),
      regionId: region,
      vendor: 'exposure-edge',
      cluster: 'eu',
      phase: 1,
      feedUrl: host,
      publicUrl: host,
      verificationUrl: host,
      formats: ['exposure-edge'],
      tlsCertificates: tls.flatMap((one) => (one === undefined ? [] : [certificateText(one)])),
      verificationKeys: ['v1', 'v2'].map((keyVersion) => ({
        keyId: '262',
        keyVersion,
        spki: toBase64(key.publicKeySpki),
      })),
      validUntil: NOW + 86_400,
    };
    return signStatement({ kind: 'entry', body }, certificate, key.raw);
  });
}

function sourceOf(leaves: readonly Uint8Array[], policy: DirectoryPolicy): DirectorySource {
  const root = rootOf(leaves.map((leaf) => leafHash(leaf)));
  const text = checkpointText(ORIGIN, { size: leaves.length, root });
  const signatures = [signNote(text, LOG), ...WITNESSES.map((witness) => cosign(text, NOW, witness))];
  const objects = new Map([...objectsOf(leaves), [CHECKPOINT_PATH, noteBytes({ text, signatures })]]);
  return { read: (path) => objects.get(path) ?? null, policy, now: NOW, seen: null };
}

/** @returns processor time of one reading, ms */
function measured(source: DirectorySource, regions: number): number {
  const before = cpuUsage();
  const { entries, problems } = readDirectory(source);
  const { user, system } = cpuUsage(before);
  if (entries.length !== regions || problems.length > 0) throw new Error('the directory is not what was written');
  return (user + system) / 1000;
}

await run(
  {
    name: 'npm run bench:directory',
    summary: 'Measures what reading the directory of backends costs; writes benchmarks/results/directory.md.',
    options: REPORT_OPTIONS,
    computes: true,
  },
  async ({ 'no-report': noReport }, { print, say }) => {
    const root = await issue('root', null);
    const cluster = await issue('cluster', root);
    const roots = [readCertificate(root.chain)].filter((one) => one !== null);
    const policy = { origin: ORIGIN, logKeys: [LOG], roots, witnesses: WITNESSES, threshold: 2, maxAgeSeconds: 86_400 };
    const rows = [];
    for (const regions of REGIONS) {
      const leaves: Uint8Array[] = [];
      for (let i = 0; i < regions; i++) {
        const id = `${DIGITS.charAt(10 + Math.floor(i / 36))}${DIGITS.charAt(i % 36)}`;
        leaves.push(...(await statementsOf(id, cluster)));
      }
      const source = sourceOf(leaves, policy);
      // Once before, so that the code is compiled; then first with nothing remembered.
      measured(source, regions);
      const open = rememberingOpen(roots);
      const first = measured({ ...source, open }, regions);
      const again = measured({ ...source, open }, regions);
      const bytes = bundlesOf(leaves.length).reduce((sum, path) => sum + (source.read(path)?.length ?? 0), 0);
      rows.push({ regions, leaves: leaves.length, bytes, firstMs: Math.round(first), againMs: Math.round(again) });
      say(`${regions} regions: ${Math.round(first)} ms, again ${Math.round(again)} ms`);
    }
    const table = [
      '| Regions | Leaves | Bytes of the bundles | First reading, CPU | Again, with what was remembered |',
      '|---|---|---|---|---|',
      ...rows.map((row) => `| ${row.regions} | ${row.leaves} | ${row.bytes} | ${row.firstMs} ms | ${row.againMs} ms |`),
      '',
      'Each region has two TLS certificates and two verification keys and has signed four entries; three witnesses. A reading checks log, witnesses, the root over all leaves, each statement and path, and paths of now.',
    ].join('\n');
    if (!noReport)
      writeReport('directory', { title: 'Reading the directory', command: 'npm run bench:directory', body: table });
    print(rows, table);
    return 0;
  },
);
