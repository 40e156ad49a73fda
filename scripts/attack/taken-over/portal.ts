/**
 * @module `portal`, taken over: it has every binding of the portal, and so whatever staff may do: codes and TANs, parameters, blocks,
 * without a limit that isn't its neighbours'. It must reach nothing that phones, `upload` or laboratories reach: no upload, no
 * fate of a TAN, no result, and no laboratory of its own.
 */
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import { signDocument } from '../../../protocol/index/signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import type { Verdict } from '../attack.ts';
import { type Puppet, puppetOf, withPuppet } from '../puppet.ts';
import { boundToUploadsDoor } from './faulty-binding.ts';

/** Binding → methods of the neighbour's other entrypoints and objects, which the portal has no business with. */
const FORBIDDEN: readonly (readonly [binding: string, method: string])[] = [
  ['VERIFICATION', 'reserve'],
  ['VERIFICATION', 'commit'],
  ['VERIFICATION', 'release'],
  ['VERIFICATION', 'status'],
  ['VERIFICATION', 'read'],
  ['ORIGIN', 'accept'],
  ['ORIGIN', 'resolve'],
  ['ORIGIN', 'page'],
  ['LABORATORY', 'resultOf'],
  ['LABORATORY', 'forget'],
  ['LABORATORY', 'put'],
];
/** What workerd says of a method that isn't there; anything else was reached, whatever it made of its arguments. */
const ABSENT = /does not implement the method/;

/** @returns the methods that were reached */
async function reached(puppet: Puppet): Promise<string[]> {
  const found: string[] = [];
  for (const [binding, method] of FORBIDDEN) {
    const answer = await puppet.call(binding, method, []);
    if (!('thrown' in answer) || !ABSENT.test(answer.thrown)) found.push(`${binding}.${method}`);
  }
  return found;
}

/** A list of laboratories that the portal signs itself, and one whose signature was cut off. @returns how many are in force */
async function ownLaboratories(puppet: Puppet): Promise<number> {
  const laboratories = [{ id: 'mine', name: 'Mine', certificateFingerprints: ['ab'.repeat(32)] }];
  const signer = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(7)));
  const list = signDocument('laboratories', 'laboratories-v1', { version: 9, laboratories }, signer.raw);
  for (const document of [list, list.slice(0, -8), JSON.stringify({ version: 9, laboratories })]) {
    await puppet.call('LABORATORY', 'setLaboratories', [document]);
  }
  const answer = await puppet.call('LABORATORY', 'laboratories', []);
  if ('thrown' in answer) throw new Error(answer.thrown);
  return (answer.value as { readonly laboratories: readonly unknown[] }).laboratories.length;
}

/**
 * @param _seed nothing here is drawn
 * @param progress prints a line
 * @returns the verdicts
 */
export async function takenOverPortal(_seed: number, progress: (text: string) => void): Promise<readonly Verdict[]> {
  progress('portal is taken over');
  const edge = await startLocalEdge({ adapt: withPuppet('portal'), onLog: () => undefined });
  try {
    const puppet = puppetOf(edge.url);
    // The strings hold: what the portal may do is done.
    const allowed = await puppet.call('VERIFICATION', 'guesses', []);
    const found = await reached(puppet);
    const laboratories = await ownLaboratories(puppet);
    return [
      {
        what: 'methods of phones, upload and laboratories that it reached',
        figure: 'value' in allowed ? `${found.length} of ${FORBIDDEN.length}` : 'no string holds',
        bound: '0',
        holds: 'value' in allowed && found.length === 0,
      },
      {
        what: 'laboratories of its own that may post results',
        figure: String(laboratories),
        bound: '0',
        holds: laboratories === 0,
      },
      await boundToUploadsDoor('portal', 'VERIFICATION', ['reserve', 'commit', 'release'], reached),
    ].map((verdict) => ({ ...verdict, what: `portal: ${verdict.what}` }));
  } finally {
    await edge.dispose();
  }
}
