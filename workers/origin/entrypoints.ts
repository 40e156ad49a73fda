/**
 * @module RPC entrypoints of `origin` (docs/architecture.md §2): `Intake` for `upload`, `BackOffice` for `portal`. No route leads
 * here, and neither entrypoint takes a request, a header or an address.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type {
  AcceptReply,
  AcceptedUpload,
  ClockStatus,
  IntakeRpc,
  OriginBackOfficeRpc,
  OriginStatus,
  ResolveReply,
} from '../../domain/rpc.ts';
import type {
  ParameterStatus,
  PublishReply,
  PublishRequest,
  RollbackRequest,
} from '../../domain/parameters/publication.ts';
import { originClocks, originObjects, type OriginEnv } from './bindings.ts';

/** Takes uploads in; bound by `upload` alone. */
export class Intake extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements IntakeRpc {
  async accept(uploadId: string, upload: AcceptedUpload): Promise<AcceptReply> {
    // A copy: the runtime hangs a disposer on an RPC's result, and would hand that on, so that this call stayed open
    // until the caller's garbage is collected.
    return { ...(await originObjects(this.env).buffer.accept(uploadId, upload)) };
  }

  async resolve(uploadId: string): Promise<ResolveReply> {
    return { ...(await originObjects(this.env).buffer.resolve(uploadId)) };
  }
}

/** Operator commands; bound by `portal` alone. */
export class BackOffice extends WorkerEntrypoint<OriginEnv & Cloudflare.Env> implements OriginBackOfficeRpc {
  async advance(): Promise<{ readonly idle: boolean }> {
    const { publisher, parameters } = originObjects(this.env);
    const steps = await Promise.all([publisher.advance(), parameters.advance()]);
    return { idle: steps.every(({ idle }) => idle) };
  }

  clocks(): Promise<ClockStatus[]> {
    return originClocks(this.env, null);
  }

  confirmClocks(at: number): Promise<ClockStatus[]> {
    return originClocks(this.env, at);
  }

  async status(): Promise<OriginStatus> {
    return originObjects(this.env).publisher.status();
  }

  async markBatch(codeBatchId: string, from: number): Promise<void> {
    await originObjects(this.env).buffer.markBatch(codeBatchId, from);
  }

  async publishParameters(request: PublishRequest, expectedVersion: number): Promise<PublishReply> {
    return originObjects(this.env).parameters.publishParameters(request, expectedVersion);
  }

  async rollbackParameters(request: RollbackRequest, expectedVersion: number): Promise<PublishReply> {
    return originObjects(this.env).parameters.rollbackParameters(request, expectedVersion);
  }

  async parameterStatus(): Promise<ParameterStatus> {
    return originObjects(this.env).parameters.parameterStatus();
  }

  async parameterDocument(name: string): Promise<string | null> {
    return originObjects(this.env).parameters.parameterDocument(name);
  }
}
