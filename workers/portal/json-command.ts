/**
 * @module The body of an operator's command: JSON of a bounded size, read by the command's own reader.
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { readBody } from '../shared/body.ts';
import { problem } from '../shared/problem.ts';
import type { InputError } from './operator-input.ts';

/** Bytes of a command: a handful of fields, and a key. */
const MAX_COMMAND_BYTES = 4 * 1024;

/**
 * @param request its body is read to the end, or to the limit
 * @param read the command in it; gets null for what is no JSON
 * @param limit bytes
 * @returns the command, or 400 with what is wrong, or 413
 */
export async function readCommand<T>(
  request: Request,
  read: (body: unknown) => Result<T, InputError>,
  limit = MAX_COMMAND_BYTES,
): Promise<T | Response> {
  const body = await readBody(request, limit);
  if (body.kind === 'too-large') return problem(413, 'Content Too Large', `At most ${limit} bytes.`);
  const command = read(body.kind === 'body' ? parsedJson(body.bytes) : null);
  return command.ok ? command.value : problem(400, 'Bad Request', command.error);
}

function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return null;
  }
}
