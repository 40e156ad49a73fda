/**
 * @module `npm run directory`: the directory of backends as a transparency log (docs/directory.md): its keys and certificates, entries,
 * revocations, publication, witnesses, verification.
 */
import { readFileSync } from 'node:fs';
import { DIRECTORY, needed } from './directory/arguments.ts';
import { makeCertificate, makeKeys, makePolicy } from './directory/making.ts';
import {
  keepSeen,
  leavesAt,
  policyFrom,
  putCosignature,
  putStatement,
  readerOf,
  secretFrom,
  seenIn,
  verifiedLines,
} from './directory/running.ts';
import { run } from './support/command-line/command.ts';
import { publish } from './support/directory/publish.ts';
import { chainFromPem, newEntry, newRevocation, readWrittenEntry } from './support/directory/statements.ts';
import { verifyDirectory } from './support/directory/verify.ts';
import { witness } from './support/directory/witness.ts';

/** An entry that nobody renews ends by itself. */
const ENTRY_DAYS = 90;

await run(DIRECTORY, async (given, { print }) => {
  const { action, file, dir, url, out, days, region, cluster, 'dry-run': dryRun } = given;
  const place = { dir, url };
  const now = Math.floor(Date.now() / 1000);
  const pem = (name: string): string => readFileSync(name, 'utf8');
  switch (action) {
    case 'certificate': {
      const [above, aboveKey] = [given['issuer-certificate'], given['issuer-key']];
      const issuer = above === null || aboveKey === null ? null : { chain: pem(above), key: pem(aboveKey) };
      const wish = { level: given.level, region, cluster, days, issuer };
      const files = await makeCertificate(needed(out, '--out', action), wish, now);
      print(files, `made ${files.certificate} and ${files.key}, which stays with whoever signs`);
      return 0;
    }
    case 'keys': {
      const made = makeKeys(needed(out, '--out', action), given.type, needed(given.name, '--name', action));
      print(made, `made ${made.secret}, which stays here, and ${made.public}: ${made.key}`);
      return 0;
    }
    case 'policy': {
      const policy = makePolicy(needed(file, 'FILE', action), needed(out, '--out', action));
      print(policy, `made ${out}`);
      return 0;
    }
    case 'add':
    case 'revoke': {
      const policy = policyFrom(needed(given.policy, '--policy', action));
      const signer = {
        chain: chainFromPem(pem(needed(given.certificate, '--certificate', action))),
        key: pem(needed(given.key, '--key', action)),
      };
      const leaves = await leavesAt(place, policy);
      const moment = { leaves, roots: policy.roots, now };
      const leaf =
        action === 'add'
          ? newEntry(readWrittenEntry(needed(file, 'FILE', action)), signer, moment, days ?? ENTRY_DAYS)
          : newRevocation(takenBy(given), signer, moment);
      const put = putStatement(place, leaves, leaf, { policy, now, out, dryRun });
      print(
        { file: put, bytes: leaf.length },
        put === null ? 'it would be taken; nothing was written' : `signed: ${put}`,
      );
      return 0;
    }
    case 'publish': {
      const policy = policyFrom(needed(given.policy, '--policy', action));
      const secret = secretFrom(needed(given.key, '--key', action), 'note');
      const done = await publish({ folder: dir, policy, secret, now, dryRun });
      const lines = [
        `${done.added} statements taken in; public: ${done.size === null ? 'nothing yet' : `${done.size} entries`}`,
        ...(done.waiting === null ? [] : [`${done.waiting.size} entries wait: ${done.waiting.why}`]),
        ...done.refused.map(({ file: name, why }) => `refused: ${name}: ${why}`),
        ...(dryRun ? ['nothing was written'] : []),
      ];
      print(done, lines.join('\n'));
      return done.refused.length === 0 ? 0 : 1;
    }
    case 'witness': {
      const policy = policyFrom(needed(given.policy, '--policy', action));
      const secret = secretFrom(needed(given.key, '--key', action), 'cosignature');
      const state = needed(given.state, '--state', action);
      const read = await readerOf(place, { proposed: true });
      const done = witness({ state, secret, read, now, origin: policy.origin, logKeys: policy.logKeys });
      if (!done.ok) throw new Error(`not cosigned: ${done.why}`);
      const put = putCosignature(place, done, secret, out);
      print({ ...done, file: put }, `${done.line.trimEnd()}${put === null ? '' : `\n${put}`}`);
      return 0;
    }
    case 'verify': {
      const policy = policyFrom(needed(given.policy, '--policy', action));
      const { state } = given;
      const read = await readerOf(place, { tiles: true });
      const seen = state === null ? null : seenIn(state, policy.origin);
      const verified = verifyDirectory(read, policy, now, seen);
      const { head, entries, size } = verified.directory;
      if (state !== null && head !== null && !dryRun) keepSeen(state, policy.origin, head);
      const { witnesses, problems } = verified;
      print({ size, entries, witnesses, problems }, verifiedLines(verified).join('\n'));
      return problems.every(({ level }) => level === 'ignored') ? 0 : 1;
    }
  }
});

/** @returns what the options name */
function takenBy(given: {
  readonly region: string | null;
  readonly cluster: string | null;
  readonly fingerprint: string | null;
  readonly 'verification-key': { readonly keyId: string; readonly keyVersion: string } | null;
  readonly revoked: string | null;
  readonly remove: boolean;
}) {
  const { region, cluster, fingerprint, revoked, remove } = given;
  const key = given['verification-key'];
  const certificates = revoked === null ? [] : chainFromPem(readFileSync(revoked, 'utf8')).slice(0, 1);
  return {
    regionId: region,
    cluster,
    tlsFingerprints: fingerprint === null ? [] : [fingerprint],
    verificationKeys: key === null ? [] : [key],
    certificates: certificates.map(({ publicKey }) => publicKey),
    removed: remove,
  };
}
