/**
 * @module A Worker in the portal's place: it hands calls on to the BackOffice entrypoints of `verification` and
 * `laboratory`, so that a test can do what staff do without a browser.
 */
import type { LegacyWorkerOptions } from 'miniflare';
import { pkcs8PemFromScalar, signerFromPkcs8Pem, spkiToPem } from '../../protocol/signing.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';

const NAME = 'back-office';
const PATH = '/back-office';
const SCRIPT = `export default {
  async fetch(request, env) {
    const { target, method, args } = await request.json();
    return Response.json(await env[target][method](...args));
  },
};`;

/** Signs the list of laboratories; made for tests alone. */
const listSigner = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(11)));
/** What the test's laboratory shows as its client certificate. */
const FINGERPRINT = 'ab'.repeat(32);

/**
 * @param workers all Workers of the edge
 * @returns the same, one more, and the list of laboratories trusted by a key of the test's own
 */
export function withBackOffice(workers: LegacyWorkerOptions[]): LegacyWorkerOptions[] {
  const laboratory = workers.find(({ name }) => name === 'exposure-edge-laboratory');
  if (laboratory === undefined) throw new Error('no Worker exposure-edge-laboratory');
  const trusting = {
    ...laboratory,
    bindings: {
      ...(laboratory.bindings as object),
      LABORATORY_LIST_PUBLIC_KEY: spkiToPem(listSigner.publicKeySpki),
    },
  };
  const office = {
    name: NAME,
    modules: [{ type: 'ESModule', path: `${NAME}.js`, contents: SCRIPT }],
    compatibilityDate: laboratory.compatibilityDate,
    serviceBindings: {
      verification: { name: 'exposure-edge-verification', entrypoint: 'BackOffice' },
      laboratory: { name: 'exposure-edge-laboratory', entrypoint: 'BackOffice' },
    },
    routes: [`*${PATH}`],
  };
  return [...workers.map((worker) => (worker === laboratory ? trusting : worker)), office] as LegacyWorkerOptions[];
}

/**
 * @param url of the edge
 * @param target whose BackOffice
 * @param method its name
 * @param args as the RPC takes them
 * @returns the reply
 */
export async function ask(
  url: string,
  target: 'verification' | 'laboratory',
  method: string,
  ...args: unknown[]
): Promise<unknown> {
  const answer = await fetch(new URL(PATH, url), { method: 'POST', body: JSON.stringify({ target, method, args }) });
  if (!answer.ok) throw new Error(`${target}#${method}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

/**
 * Lets one laboratory post results.
 *
 * @param url of the edge
 */
export async function openLaboratory(url: string): Promise<void> {
  const laboratories = [{ id: 'test-lab', name: 'Test laboratory', certificateFingerprints: [FINGERPRINT] }];
  const list = signDocument('laboratories', 'laboratories-v1', { version: 1, laboratories }, listSigner.raw);
  const reply = await ask(url, 'laboratory', 'setLaboratories', list);
  if ((reply as { ok?: unknown }).ok !== true) throw new Error(`list of laboratories: ${JSON.stringify(reply)}`);
}

/**
 * The laboratory posts rows.
 *
 * @param url of the edge
 * @param route `lab`, `quicktest` or `pocnat`
 * @param rows as the route takes them
 */
export async function postRows(url: string, route: string, rows: readonly object[]): Promise<void> {
  const answer = await fetch(new URL(`/api/v1/${route}/results`, url), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-local-client-certificate': FINGERPRINT },
    body: JSON.stringify({ testResults: rows }),
  });
  if (answer.status !== 204) throw new Error(`laboratory: ${answer.status} ${await answer.text()}`);
}

/**
 * The laboratory posts a result.
 *
 * @param url of the edge
 * @param id hashed GUID
 * @param result 1 negative, 2 positive, 3 invalid
 */
export async function postResult(url: string, id: string, result: 1 | 2 | 3): Promise<void> {
  await postRows(url, 'lab', [{ id, result }]);
}
