/**
 * @module Who calls the steps of the gateway's client, as a Durable Object does: it keeps the state as JSON, commits what a step gave
 * in one go, and can lose a step before it is committed.
 */
import {
  DOWNLOAD_START,
  downloadStep,
  type DownloadState,
  type DownloadStep,
} from '../../domain/federation/efgs/download.ts';
import { readSettings, type EfgsPorts, type UploadPorts } from '../../domain/federation/efgs/ports.ts';
import { UPLOAD_START, uploadStep, type UploadState, type UploadStep } from '../../domain/federation/efgs/upload.ts';
import type { EfgsKey } from '../../protocol/efgs/batch.ts';
import type { Rig } from './efgs-rig.ts';

/** Steps that a test may take: more are a loop. */
const MOST_STEPS = 200;

/** @returns ports of a country at a rig's gateway */
export function portsOf(rig: Rig, country: string, change: Partial<UploadPorts> = {}): UploadPorts {
  const settings = readSettings({
    baseUrl: rig.gateway.url,
    country,
    anchor: rig.gateway.anchor.certificatePem,
    revoked: [],
    maxAgeDays: 2,
  });
  if (!settings.ok) throw new Error(settings.error);
  const { fetch, signer } = rig.as(country);
  return { settings: settings.value, now: () => rig.clock.now, fetch, signer, ...change };
}

/** Which step, from 0, is lost before it is committed: all that it did outside stays done. */
type Lost = (step: number) => boolean;

export class UploadDesk {
  state: UploadState = UPLOAD_START;
  outbox: readonly EfgsKey[];
  /** Keys that are done with, in the order they were. */
  settled: EfgsKey[] = [];
  steps = 0;

  constructor(outbox: readonly EfgsKey[]) {
    this.outbox = outbox;
  }

  /** One step, committed unless it is lost. */
  async step(ports: UploadPorts, lost: Lost = () => false): Promise<UploadStep> {
    const step = await uploadStep(this.state, ports, this.outbox);
    if (!lost(this.steps++)) this.#commit(step);
    return step;
  }

  #commit({ state, settled, setAside }: UploadStep): void {
    this.state = JSON.parse(JSON.stringify(state)) as UploadState;
    const last = setAside === null ? [] : this.outbox.slice(setAside, setAside + 1);
    this.settled.push(...this.outbox.filter((_, index) => settled.has(index)));
    this.outbox = [...this.outbox.filter((_, index) => !settled.has(index) && index !== setAside), ...last];
  }

  /** Steps until there is nothing to do at once. @returns the last */
  async poll(ports: UploadPorts, lost: Lost = () => false): Promise<UploadStep> {
    for (let i = 0; i < MOST_STEPS; i++) {
      const step = await this.step(ports, lost);
      if (!step.again) return step;
    }
    throw new Error('steps without an end');
  }
}

export class DownloadDesk {
  state: DownloadState = DOWNLOAD_START;
  /** What was imported, by tag: an import that is repeated changes nothing. */
  readonly imported = new Map<string, readonly EfgsKey[]>();
  /** What was set aside, by tag, and why. */
  readonly quarantine = new Map<string, readonly unknown[]>();
  imports = 0;
  steps = 0;

  /**
   * @param lost after which steps the cursor isn't written
   * @param unimported after which the import isn't either
   */
  async step(ports: EfgsPorts, lost: Lost = () => false, unimported: Lost = lost): Promise<DownloadStep> {
    const step = await downloadStep(this.state, ports);
    const number = this.steps++;
    if (step.batch !== null && !unimported(number)) this.#import(step.batch);
    if (!lost(number)) this.state = JSON.parse(JSON.stringify(step.state)) as DownloadState;
    return step;
  }

  #import({ tag, parts, faults }: NonNullable<DownloadStep['batch']>): void {
    if (faults.length > 0) this.quarantine.set(tag, faults);
    if ((faults.length === 0 || parts.length > 0) && !this.imported.has(tag)) {
      this.imports += 1;
      this.imported.set(
        tag,
        parts.flatMap(({ keys }) => keys),
      );
    }
  }

  async poll(ports: EfgsPorts, lost: Lost = () => false, unimported: Lost = lost): Promise<DownloadStep> {
    for (let i = 0; i < MOST_STEPS; i++) {
      const step = await this.step(ports, lost, unimported);
      if (!step.again && step.batch === null) return step;
    }
    throw new Error('steps without an end');
  }

  /** Every key that was imported. */
  get keys(): EfgsKey[] {
    return [...this.imported.values()].flat();
  }
}
