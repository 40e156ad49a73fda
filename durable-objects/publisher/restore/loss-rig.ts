/** @module Loses the storage of `origin`'s objects in a test, and restores it as an operator with the restore key does. */
import { runInDurableObject } from 'cloudflare:test';
import { JOURNAL_KEY } from '../../../domain/journal.ts';
import type { RestoreReply, RestoreRequest } from '../../../domain/restore.ts';
import { openerKey, SEALED_HEADER_BYTES, secretOf } from '../../../domain/sealed-pages.ts';
import { toBase64Url } from '../../../protocol/primitives/bytes.ts';
import type { ParameterStore } from '../../parameter-store/parameter-store-do.ts';
import { testEnv, type Rig } from '../test-rig.ts';

const { PARAMETER_STORE } = testEnv as unknown as {
  readonly PARAMETER_STORE: DurableObjectNamespace<ParameterStore>;
};
export const parameterStore = (): DurableObjectStub<ParameterStore> => PARAMETER_STORE.getByName('parameters');

export type Lost = 'buffer' | 'publisher' | 'parameters';

/** Nothing of these objects is left, as if they had never been. */
export async function lose(rig: Rig, lost: readonly Lost[] = ['buffer', 'publisher', 'parameters']): Promise<void> {
  const stubs: Record<Lost, () => DurableObjectStub> = {
    buffer: () => rig.buffer,
    publisher: () => rig.publisher,
    parameters: parameterStore,
  };
  for (const name of lost) {
    await runInDurableObject(stubs[name](), async (_object, { storage }) => {
      await storage.deleteAlarm();
      await storage.deleteAll();
    });
  }
  await rig.evict();
  await rig.tuneBuffer();
}

/** @param pem private key @returns what it gives for the journal that lies there; another than the restore key: a secret that opens nothing */
export async function journalSecret(pem: string): Promise<string> {
  const object = await testEnv.PRIVATE.get(JOURNAL_KEY);
  const header = new Uint8Array(await object!.arrayBuffer()).subarray(0, SEALED_HEADER_BYTES);
  const secret = await secretOf(await openerKey(pem), header);
  if (!secret.ok) throw new Error(secret.error);
  return toBase64Url(secret.value);
}

/** One call. */
export async function restoreOnce(rig: Rig, change: Partial<RestoreRequest> = {}): Promise<RestoreReply> {
  const request = { confirm: true, journalSecret: null, withoutJournal: false, logKeys: [], ...change };
  await rig.tuneBuffer();
  return rig.inPublisher((publisher) => publisher.restore(request));
}

/** Calls until it is done. @param pem the restore key's private half */
export async function restore(rig: Rig, pem: string): Promise<RestoreReply> {
  const request = { journalSecret: await journalSecret(pem) };
  for (let calls = 0; calls < 50; calls++) {
    const reply = await restoreOnce(rig, request);
    if (reply.kind !== 'going-on') return reply;
  }
  throw new Error('never restored');
}

/** The last journal is written, everything is lost and restored, and what is due is done. @param pem the restore key's private half */
export async function loseAndRestore(rig: Rig, pem: string): Promise<void> {
  await rig.evict();
  await rig.wakeBuffer();
  await lose(rig);
  const { kind } = await restore(rig, pem);
  if (kind !== 'restored') throw new Error(kind);
  await rig.untilIdle();
}
