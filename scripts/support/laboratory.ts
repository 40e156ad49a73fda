/**
 * @module A laboratory on a local edge: its place in the signed list, and the results it posts. On the local edge a header
 * stands for its client certificate.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LABORATORY_LIST_TYPE } from '../../domain/laboratory-list.ts';
import type { Laboratory, LaboratoryBackOfficeRpc } from '../../domain/rpc.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';

/** What the laboratory shows as its client certificate. */
const FINGERPRINT = '5c'.repeat(32);

/**
 * Publishes a list with one laboratory, signed with the key that the state directory keeps for its operator.
 *
 * @param edge a running local edge that has no list yet
 * @param laboratory name and rule for dates of birth
 * @throws Error when the list is refused
 */
export async function openLaboratory(
  edge: LocalEdge,
  laboratory: Pick<Laboratory, 'id' | 'name' | 'birthDate'>,
): Promise<void> {
  const staff = await edge.miniflare.getBindings('exposure-edge-portal');
  const { LABORATORY } = staff as unknown as { readonly LABORATORY: LaboratoryBackOfficeRpc };
  const secrets = JSON.parse(readFileSync(join(edge.state, 'secrets.json'), 'utf8')) as Record<string, string>;
  const { raw } = signerFromPkcs8Pem(secrets['LABORATORY_LIST_SIGNING_KEY'] ?? '');
  const laboratories = [{ ...laboratory, certificateFingerprints: [FINGERPRINT] }];
  const reply = await LABORATORY.setLaboratories(
    signDocument(LABORATORY_LIST_TYPE, 'laboratories-v1', { version: 1, laboratories }, raw),
  );
  if (!reply.ok) throw new Error(`list of laboratories: ${reply.reason}`);
}

/**
 * @param url of the edge
 * @param ids hashed GUIDs, with or without a date of birth
 * @param result 1 negative, 2 positive, 3 invalid; of all of them
 * @throws Error when they are not taken
 */
export async function postResults(url: string, ids: readonly string[], result: 1 | 2 | 3): Promise<void> {
  const answer = await fetch(`${url}/api/v1/lab/results`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-local-client-certificate': FINGERPRINT },
    body: JSON.stringify({ testResults: ids.map((id) => ({ id, result })) }),
  });
  if (answer.status !== 204) throw new Error(`laboratory: ${answer.status} ${await answer.text()}`);
}
