/**
 * @module What TCP and IP put around a phone's bytes: no counter of a program sees it, so it is computed.
 */

/** Payload of a full segment over Ethernet with timestamps, and what TCP and IPv4 put around it. */
const SEGMENT_BYTES = 1_448;
const HEADER_BYTES = 52;
/** SYN, ACK, FIN and their answers. */
const SEGMENTS_PER_CONNECTION = 7;

/**
 * @param directions bytes above TCP, one number for each direction or one for both
 * @param connections that they went over
 * @returns bytes of headers, an estimate from below: the last segment of a message need not be full
 */
export function tcpIpOf(directions: readonly number[], connections: number): number {
  const data = directions.reduce((sum, bytes) => sum + Math.ceil(bytes / SEGMENT_BYTES), 0);
  // A receiver acknowledges every second segment.
  return (data * 1.5 + connections * SEGMENTS_PER_CONNECTION) * HEADER_BYTES;
}
