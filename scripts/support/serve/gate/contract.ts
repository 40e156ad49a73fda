/** @module What `npm run serve` and its gate agree on. */

/** By which workerd tells the portal who somebody is (`accessBlobHeader`); the gate removes what a client sends under it. */
export const ACCESS_HEADER = 'x-exposure-edge-access';

/** Somebody whom Access would know, by a client certificate. */
export interface GatePerson {
  /** SHA-256 of the certificate's DER, lower-case hex. */
  readonly fingerprint: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly provider: string;
}

/** A program that gives operator commands. */
export interface GateService {
  readonly id: string;
  /** Lower-case hex. */
  readonly secretSha256: string;
}
