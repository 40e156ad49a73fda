/**
 * @module RPC entrypoints of `laboratory`: Results for verification, BackOffice for the portal (docs/architecture.md §2). Built by a
 * factory, so that the local edge can hand in its clock.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { Clock } from '../../domain/clock.ts';
import type { ClockStatus } from '../../domain/clock-status.ts';
import type {
  Laboratory,
  LaboratoryBackOfficeRpc,
  SetListReply,
  ResultsRpc,
  TestResultReply,
} from '../../domain/rpc.ts';
import { parseResultName, resultForApp, RESULT_FORGOTTEN_AFTER_SECONDS } from '../../domain/test-result.ts';
import { parsedOnce } from '../shared/env.ts';
import { type LaboratoryEnv, parseBindings } from './bindings.ts';
import type { ObjectRemains } from '../../domain/sunset.ts';
import { purgeAll, remainsOf, stopAll } from '../shared/ending.ts';
import { laboratoryClocks, laboratoryObjects } from './clocks.ts';
import { createListReader, openLaboratoryList } from './list.ts';
import { listObject, shardName } from './shards.ts';

const PENDING: TestResultReply = {
  result: 0,
  sampleCollected: null,
  labId: null,
  keptUntil: null,
  positiveDay: null,
  needsBirthDate: false,
};
const configOf = parsedOnce(parseBindings);

/** @returns the class verification binds; asking creates nothing, and an unknown id looks like a waiting one */
export function createResults(clock: Clock) {
  return class Results extends WorkerEntrypoint<LaboratoryEnv> implements ResultsRpc {
    async resultOf(hashedGuid: string): Promise<TestResultReply> {
      const id = parseResultName(hashedGuid);
      if (id === null) return PENDING;
      const stored = await configOf(this.env).store.getByName(shardName(id)).result(id);
      if (stored === null) return PENDING;
      const age = Math.floor(await clock()) - stored.postedAt;
      if (age >= RESULT_FORGOTTEN_AFTER_SECONDS) return PENDING;
      return {
        result: resultForApp(stored.result, age),
        sampleCollected: stored.sampleCollected,
        labId: stored.labId,
        keptUntil: stored.postedAt + RESULT_FORGOTTEN_AFTER_SECONDS,
        positiveDay: stored.positiveDay,
        needsBirthDate: stored.needsBirthDate,
      };
    }

    async forget(hashedGuid: string): Promise<void> {
      const id = parseResultName(hashedGuid);
      if (id !== null) await configOf(this.env).store.getByName(shardName(id)).forget(id);
    }
  };
}

/** The class the portal binds. */
export class BackOffice extends WorkerEntrypoint<LaboratoryEnv> implements LaboratoryBackOfficeRpc {
  clocks(): Promise<ClockStatus[]> {
    return laboratoryClocks(this.env, null);
  }

  confirmClocks(at: number): Promise<ClockStatus[]> {
    return laboratoryClocks(this.env, at);
  }

  stopForGood(hour: number): Promise<void> {
    return stopAll(laboratoryObjects(this.env), hour);
  }

  purgeForGood(hour: number): Promise<void> {
    return purgeAll(laboratoryObjects(this.env), hour);
  }

  remains(): Promise<ObjectRemains[]> {
    return remainsOf(laboratoryObjects(this.env));
  }

  async setLaboratories(document: string): Promise<SetListReply> {
    const config = configOf(this.env);
    const opened = openLaboratoryList(document, config.listKeys);
    if (!opened.ok) return { ok: false, reason: opened.error, refusal: opened.refusal };
    const { version } = opened.value;
    const taken = await listObject(config.store).setList(version, document);
    if (taken) return { ok: true };
    const reason = `version ${version} is not higher than the stored one`;
    return { ok: false, reason, refusal: { kind: 'newer' } };
  }

  async blockCertificate(marks: readonly string[]): Promise<void> {
    await listObject(configOf(this.env).store).block(marks);
  }

  async laboratories(): Promise<{ version: number; laboratories: readonly Laboratory[] }> {
    const config = configOf(this.env);
    return createListReader(config.listKeys)((await listObject(config.store).list()).document);
  }
}
