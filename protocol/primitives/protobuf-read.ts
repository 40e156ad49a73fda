/**
 * @module How generated protobuf code is called on bytes from outside: no exception, no memory for unknown fields, and
 * absent told from zero (proto2 presence).
 */
import protobuf from 'protobufjs/minimal.js';

interface MessageType<T> {
  decode(reader: protobuf.Reader, length?: number): T;
}

/**
 * @param type generated message class
 * @param bytes any bytes
 * @returns the message, or null when the bytes are not that message
 */
export function decodeMessage<T>(type: MessageType<T>, bytes: Uint8Array): T | null {
  const reader = protobuf.Reader.create(bytes);
  // Unknown fields are skipped, as every parser must; kept, they would be memory that a stranger chooses.
  reader.discardUnknown = true;
  try {
    return type.decode(reader);
  } catch {
    // protobufjs throws RangeError or Error with positions in them: of no use to a caller who only asks "is it one?".
    return null;
  }
}

/** A length-delimited field at the top of a message. */
export interface TopField {
  readonly number: number;
  /** A view of the message. */
  readonly content: Uint8Array;
}

interface Span {
  readonly number: number;
  /** Where it begins, with its tag; where what it holds begins, of a length-delimited one, else null; where it ends. */
  readonly from: number;
  readonly content: number | null;
  readonly to: number;
}

const LENGTH_DELIMITED = 2;
/** Of what isn't counted, a header is some hundred bytes; the rest is room for fields that a later format may add. */
const MAX_REST_BYTES = 16_384;

/** @throws RangeError, Error where the bytes end to be a message */
function* spansOf(bytes: Uint8Array): Generator<Span> {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const from = reader.pos;
    const tag = reader.uint32();
    let content: number | null = null;
    if ((tag & 7) === LENGTH_DELIMITED) {
      const length = reader.uint32();
      content = reader.pos;
      reader.skip(length);
    } else {
      reader.skipType(tag & 7);
    }
    yield { number: tag >>> 3, from, content, to: reader.pos };
  }
}

/**
 * A message field by field: decoded whole, a field of two bytes is an object of a hundred.
 *
 * @param bytes whole message
 * @param numbers fields that are meant, all of one type
 * @param type generated class of what is in them
 * @returns how many there are, and the message without them; or null when it is no message, one of them none of its type, or what is left more than {@link MAX_REST_BYTES}
 */
export function sifted<T>(
  bytes: Uint8Array,
  numbers: readonly number[],
  type: MessageType<T>,
): { readonly count: number; readonly rest: Uint8Array } | null {
  const rest = new Uint8Array(MAX_REST_BYTES);
  let [count, length] = [0, 0];
  try {
    for (const { number, from, content, to } of spansOf(bytes)) {
      if (content === null || !numbers.includes(number)) {
        if (length + to - from > rest.length) return null;
        rest.set(bytes.subarray(from, to), length);
        length += to - from;
      } else if (decodeMessage(type, bytes.subarray(content, to)) === null) return null;
      else count += 1;
    }
  } catch {
    return null;
  }
  return { count, rest: rest.subarray(0, length) };
}

/** @param bytes a message of which {@link sifted} has said that it is one @returns its fields of these numbers, in their order, one at a time */
export function* topFields(bytes: Uint8Array, numbers: readonly number[]): Generator<TopField> {
  for (const { number, content, to } of spansOf(bytes)) {
    if (content !== null && numbers.includes(number)) yield { number, content: bytes.subarray(content, to) };
  }
}

/** @param bytes any bytes @returns how many fields stand at the top of the message, as far as it is one */
export function countFields(bytes: Uint8Array): number {
  const reader = protobuf.Reader.create(bytes);
  let fields = 0;
  try {
    for (; reader.pos < reader.len; fields++) reader.skipType(reader.uint32() & 7);
  } catch {
    // Where it ends to be a message its decoder says so.
  }
  return fields;
}

/**
 * @param message a decoded message; its class holds the defaults in the prototype
 * @param field camel-case name
 * @returns the value when the field was on the wire, else undefined
 */
export function optional<T extends object, K extends keyof T>(message: T, field: K): NonNullable<T[K]> | undefined {
  return Object.hasOwn(message, field) ? (message[field] ?? undefined) : undefined;
}

/**
 * @param value a fixed64 or uint64 as protobufjs gives it: a number, or a Long where the package `long` is installed,
 *   whatever the generated type says
 * @returns the number; above 2⁵³ the nearest one
 */
export function numberOf64(value: unknown): number {
  return typeof value === 'number' ? value : Number(String(value));
}
