/**
 * @module What `portal` is given (wrangler.toml, design.md §2): back offices by RPC, nothing else.
 */
import type { OriginBackOfficeRpc, VerificationBackOfficeRpc } from '../../domain/rpc.ts';

/** Bindings as the platform hands them over. */
export interface PortalEnv {
  readonly VERIFICATION: VerificationBackOfficeRpc;
  readonly ORIGIN: OriginBackOfficeRpc;
}
