/**
 * @module One object of the event log's folder, read: whose signature, which entry, or by which rule it is none (docs/event-log.md).
 */
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { openDocument } from '../../protocol/index/signed-document.ts';
import { LOG_TYPE, logEntrySchema, sequenceOfKey, type LogEntry } from './entry.ts';

/** A rule that the log, or a record that it names, breaks. */
export interface LogFinding {
  readonly rule: LogRule;
  /** Name of the object in the private bucket. */
  readonly object: string;
  /** What is wrong with it, for a person. */
  readonly what: string;
}

/** Each is explained in docs/event-log.md. */
type LogRule =
  | 'name'
  | 'document'
  | 'signature'
  | 'schema'
  | 'sequence'
  | 'doubled'
  | 'missing'
  | 'chain'
  | 'checkpoint'
  | 'fold'
  | 'order'
  | 'purge'
  | 'object-missing'
  | 'object-altered'
  | 'object-unknown';

/** An entry whose signature is good. */
export interface ReadEntry {
  /** The object's name. */
  readonly object: string;
  readonly entry: LogEntry;
  /** base64url of SHA-256 of its payload: what the next entry's `previous` is. */
  readonly sha256: string;
}

/**
 * @param object its name
 * @param text as it was found; anything
 * @param keys SubjectPublicKeyInfo of the log's keys
 * @returns the entry, or what is wrong
 */
export function readEntry(object: string, text: string, keys: readonly Uint8Array[]): ReadEntry | LogFinding {
  const sequence = sequenceOfKey(object);
  if (sequence === null) return { rule: 'name', object, what: 'is not the name of an entry' };
  const opened = keys.map((spki) => openDocument(LOG_TYPE, text, { [keyIdOf(text)]: spki }));
  const good = opened.find(({ ok }) => ok) ?? opened[0];
  if (good === undefined) return { rule: 'signature', object, what: 'no public key was given' };
  if (!good.ok) {
    const { error } = good;
    if (error.kind === 'bad-signature') {
      return { rule: 'signature', object, what: `is not signed by a key of the log (says ${error.key})` };
    }
    return { rule: 'document', object, what: 'what' in error ? error.what : `is of type ${JSON.stringify(error)}` };
  }
  const parsed = logEntrySchema.safeParse(good.value.payload);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return { rule: 'schema', object, what: `${issue.path.join('.') || 'entry'}: ${issue.message}` };
  }
  const entry = parsed.data;
  if (entry.sequence !== sequence) return { rule: 'sequence', object, what: `holds entry ${entry.sequence}` };
  return { object, entry, sha256: toBase64Url(sha256(good.value.payloadBytes)) };
}

/** @returns which key a document names; empty when it names none */
function keyIdOf(text: string): string {
  try {
    const { key } = JSON.parse(text) as { readonly key?: unknown };
    return typeof key === 'string' ? key : '';
  } catch {
    return '';
  }
}
