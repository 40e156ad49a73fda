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

/**
 * A field of two bytes may be an object of a hundred: whoever reads what a stranger sent counts first.
 *
 * @param bytes any bytes
 * @returns how many fields stand at the top of the message, as far as it is one
 */
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
