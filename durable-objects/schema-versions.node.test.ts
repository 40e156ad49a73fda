/** @module The table of versions is as long as the migrations of each object. Whoever appends a migration raises its number. */
import { it } from 'vitest';
import { SCHEMA as codeDesk } from './code-desk/desk-ops.ts';
import { SCHEMA as codeStore } from './code-store/schema.ts';
import { SCHEMA as credentialDesk } from './credential-desk/schema.ts';
import { MIGRATIONS as parameterStore } from './parameter-store/schema.ts';
import { MIGRATIONS as peerDesk } from './peer-desk/schema.ts';
import { MIGRATIONS as publisher } from './publisher/schema.ts';
import { SCHEMA as resultStore } from './result-store/result-store-ops.ts';
import { SCHEMA as staffRoom } from './staff-room/schema.ts';
import { MIGRATIONS as submissionBuffer } from './submission-buffer/schema.ts';
import { MIGRATIONS as tanLedger } from './tan-ledger/tan-rows.ts';
import { SCHEMA as testSession } from './test-session/schema.ts';
import { SCHEMA_VERSIONS } from '../domain/schema-versions.ts';

it('each object has as many migrations as the table says', ({ expect }) => {
  const migrations = {
    CodeDesk: codeDesk,
    CodeStore: codeStore,
    CredentialDesk: credentialDesk,
    ParameterStore: parameterStore,
    PeerDesk: peerDesk,
    Publisher: publisher,
    ResultStore: resultStore,
    StaffRoom: staffRoom,
    SubmissionBuffer: submissionBuffer,
    TanLedger: tanLedger,
    TestSession: testSession,
  };
  const counts = Object.fromEntries(Object.entries(migrations).map(([name, all]) => [name, all.length]));
  expect(SCHEMA_VERSIONS).toEqual(counts);
});
