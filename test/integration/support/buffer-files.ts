/**
 * @module The SubmissionBuffer's database and log as files of a deployment's state, for tests that search every byte of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSubmissionPayload } from '../../../protocol/submission-payload.ts';
import { type patientKeys, payloadOf, type System, UPLOAD_PATH } from '../../conformance/support/system.ts';
import { names } from '../../support/published.ts';

/** Keys leave whenever their hour does, and nothing waits for a deadline. */
export const RESTING_VARS = {
  upload: { ANSWER_DEADLINE_MS: '50' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
};

/** Database and log of the buffer. */
const bufferFiles = (state: string): string[] =>
  readdirSync(state, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /SubmissionBuffer/.test(entry.parentPath) && /\.sqlite/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));

/** Names of those keys that lie readable in the buffer's files. */
export function readable(state: string, keys: readonly { readonly keyData: Uint8Array | null }[]): string[] {
  const bytes = bufferFiles(state).map((file) => readFileSync(file));
  return names(
    keys.filter(({ keyData }) => bytes.some((all) => all.includes(Buffer.from(keyData ?? new Uint8Array())))),
  );
}

/** @returns the database of the one buffer */
export const databaseFile = (state: string): string => {
  const [file, another] = bufferFiles(state).filter((path) => path.endsWith('.sqlite') && !path.includes('metadata'));
  if (file === undefined || another !== undefined) throw new Error('the buffer has not one database');
  return file;
};

/** Uploads, or throws. */
export async function upload(system: System, tan: string, keys: ReturnType<typeof patientKeys>): Promise<void> {
  const headers = { 'content-type': 'application/x-protobuf', 'cwa-fake': '0', 'cwa-authorization': tan };
  const body = Buffer.from(encodeSubmissionPayload(payloadOf(keys)));
  const { status } = await system.send(UPLOAD_PATH, { method: 'POST', headers, body });
  if (status !== 200) throw new Error(`an upload was answered ${status}`);
}
