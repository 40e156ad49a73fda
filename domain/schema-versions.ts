/**
 * @module How many migrations each Durable Object has (durable-objects/*, `schema_version` in its store), for those who look at a state without being able to ask an object: a local edge before it starts, the paper of a release.
 * `durable-objects/schema-versions.node.test.ts` holds it equal to the migrations themselves.
 */

/** Class → version of its tables; it only grows. */
export type SchemaVersions = Readonly<Record<string, number>>;

export const SCHEMA_VERSIONS = {
  CodeDesk: 5,
  CodeStore: 2,
  CredentialDesk: 1,
  ParameterStore: 6,
  PeerDesk: 4,
  Publisher: 9,
  ResultStore: 6,
  StaffRoom: 9,
  SubmissionBuffer: 14,
  TanLedger: 4,
  TestSession: 4,
} as const satisfies SchemaVersions;
