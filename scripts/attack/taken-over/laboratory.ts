/**
 * @module `laboratory`, taken over: it has the store of results and may say of any test what it likes. It must reach nothing
 * that makes, holds or takes TANs and keys; a list of laboratories must need its signature still; and a test that it calls
 * positive gives its phone one TAN a day, not more.
 */
import { startLocalEdge } from '../../../local-edge/local-edge.ts';
import { signDocument } from '../../../protocol/index/signed-document.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { byteSource } from '../../support/patients.ts';
import type { Verdict } from '../attack.ts';
import { type Puppet, puppetOf, withPuppet } from '../puppet.ts';
import { boundToUploadsDoor } from './faulty-binding.ts';
import { EdgeDoor } from '../support/door.ts';

/** 2026-06-15 10:20 UTC. */
const START = 1_781_518_800;
const TESTS = 3;
const ASKED = 20;

/** Binding → methods of the doors and objects that a laboratory has no business with, by the names that others bind them. */
const FORBIDDEN: readonly (readonly [binding: string, method: string])[] = [
  ['REDEEM', 'reserve'],
  ['REDEEM', 'commit'],
  ['VERIFICATION', 'issueTans'],
  ['VERIFICATION', 'makeCards'],
  ['INTAKE', 'accept'],
  ['ORIGIN', 'advance'],
  ['TAN_LEDGER', 'issue'],
  ['TEST_SESSION', 'takeTan'],
  ['PUBLIC', 'put'],
  ['PRIVATE', 'get'],
  ['RESULT_STORE', 'issue'],
  ['RESULT_STORE', 'takeTan'],
];
/** Whether this is said of a binding or a method that isn't there; anything else was reached, whatever it made of its arguments. */
const isAbsent = (thrown: string, method: string): boolean =>
  thrown.includes('does not implement the method') ||
  [method, 'getByName'].some((name) => thrown.includes(`Cannot read properties of undefined (reading '${name}')`));

/** @returns the methods that were reached */
async function reached(puppet: Puppet): Promise<string[]> {
  const found: string[] = [];
  for (const [binding, method] of FORBIDDEN) {
    const answer = await puppet.call(binding, method, [], binding === 'RESULT_STORE' ? 'list' : null);
    if (!('thrown' in answer) || !isAbsent(answer.thrown, method)) found.push(`${binding}.${method}`);
  }
  return found;
}

/** A positive result for a test, written past every check. */
async function sayPositive(puppet: Puppet, id: string): Promise<void> {
  const row = { id, result: 2, sampleCollected: null };
  const answer = await puppet.call(
    'RESULT_STORE',
    'put',
    [{ labId: 'invented', needsBirthDate: false }, [row]],
    `r${id.charAt(1)}`,
  );
  if ('thrown' in answer) throw new Error(answer.thrown);
}

/** A list of laboratories signed with a key of its own, put straight into the store. @returns how many are in force */
async function ownLaboratories(puppet: Puppet, portal: { laboratories(): Promise<unknown> }): Promise<number> {
  const laboratories = [{ id: 'mine', name: 'Mine', certificateFingerprints: ['ab'.repeat(32)] }];
  const signer = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(7)));
  const list = signDocument('laboratories', 'laboratories-v1', { version: 9, laboratories }, signer.raw);
  const answer = await puppet.call('RESULT_STORE', 'setList', [9, list], 'list');
  if ('thrown' in answer) throw new Error(answer.thrown);
  return ((await portal.laboratories()) as { readonly laboratories: readonly unknown[] }).laboratories.length;
}

/**
 * @param seed of the tests' ids
 * @param progress prints a line
 * @returns the verdicts
 */
export async function takenOverLaboratory(seed: number, progress: (text: string) => void): Promise<readonly Verdict[]> {
  progress('laboratory is taken over');
  const vars = { verification: { ANSWER_DEADLINE_MS: '0' } };
  const edge = await startLocalEdge({ vars, adapt: withPuppet('laboratory'), onLog: () => undefined });
  try {
    const puppet = puppetOf(edge.url);
    const door = new EdgeDoor(edge, START, `laboratory/${seed}`);
    const random = byteSource(`laboratory ids/${seed}`);
    const found = await reached(puppet);
    const tans = new Set<string>();
    let shown = 0;
    for (let test = 0; test < TESTS; test++) {
      const id = toHex(random(32));
      const token = await door.register(id);
      await sayPositive(puppet, id);
      if (token === null) continue;
      if ((await door.result(token)) === 2) shown++;
      for (const tan of await Promise.all(Array.from({ length: ASKED }, () => door.tan(token)))) {
        if (tan !== null) tans.add(tan);
      }
    }
    const staff = await edge.miniflare.getBindings<{ LABORATORY: { laboratories(): Promise<unknown> } }>(
      'exposure-edge-portal',
    );
    const laboratories = await ownLaboratories(puppet, staff.LABORATORY);
    return [
      {
        what: 'doors, ledgers and buckets that it reached',
        figure: `${found.length} of ${FORBIDDEN.length}`,
        bound: '0',
        holds: found.length === 0,
      },
      {
        what: `TANs of ${TESTS} tests that it called positive, asked for ${ASKED} times each`,
        // That they were shown says that the strings hold.
        figure: `${tans.size}, ${shown} results shown`,
        bound: `${TESTS}`,
        holds: tans.size === TESTS && shown === TESTS,
      },
      {
        what: 'laboratories of its own that are in force',
        figure: String(laboratories),
        bound: '0',
        holds: laboratories === 0,
      },
      await boundToUploadsDoor('laboratory', 'REDEEM', ['reserve', 'commit'], reached),
    ].map((verdict) => ({ ...verdict, what: `laboratory: ${verdict.what}` }));
  } finally {
    await edge.dispose();
  }
}
