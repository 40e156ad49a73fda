/**
 * @module Inputs of `npm run fuzz`: uploads bent at the level of protobuf's structure (tags, wire types, lengths, nesting), so
 * that most of them get past the first byte. Everything is drawn from a seed.
 */
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { randomUuid } from '../../phone/random.ts';
import { patientKeys } from '../support/patients.ts';

const UPLOAD_PATH = '/version/v1/diagnosis-keys';

/** A small fast generator (xorshift32): a fuzz run draws millions of numbers, none of them secret. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  }

  /** @returns an integer 0..limit−1 */
  below(limit: number): number {
    let x = this.#state;
    x ^= x << 13;
    x >>>= 0;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state % limit;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** One request. */
export interface FuzzInput {
  /** Answers of one door have one size and one set of headers; those of `admin` are padded by a random amount, as Google's are. */
  readonly door: 'cwa' | 'publish' | 'stats' | 'device' | 'admin';
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  /** Statuses the dialect allows for it (docs/openapi.yaml). */
  readonly allowed: readonly number[];
}

function varint(value: number): Uint8Array {
  const out: number[] = [];
  let rest = value;
  while (rest > 127) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return Uint8Array.from(out);
}

const tag = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);
const framed = (field: number, content: Uint8Array): Uint8Array =>
  concatBytes(tag(field, 2), varint(content.length), content);

/** A number field with a value nobody would send. */
const oddNumber = (draw: Draw): Uint8Array =>
  draw.pick([
    () => varint(draw.pick([0, 1, 15, 143, 145, 4001, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 50])),
    () => Uint8Array.from([...Array<number>(9).fill(255), 1]), // −1 in ten bytes
    () => Uint8Array.from(Array<number>(11).fill(255)), // longer than a varint may be
  ])();

/** A key whose fields are right, wrong, missing, doubled or of another wire type. */
function oddKey(draw: Draw): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of [1, 2, 3, 4, 5, 6]) {
    if (draw.below(10) === 0) continue;
    const times = draw.below(12) === 0 ? 2 : 1;
    for (let i = 0; i < times; i++) {
      if (draw.below(15) === 0)
        parts.push(concatBytes(tag(field, draw.pick([0, 1, 2, 5])), draw.bytes(draw.below(20))));
      else if (field === 1) parts.push(framed(1, draw.bytes(draw.pick([16, 16, 16, 16, 0, 15, 17, 64]))));
      else if (draw.below(4) === 0) parts.push(concatBytes(tag(field, 0), oddNumber(draw)));
      else parts.push(concatBytes(tag(field, 0), varint(draw.pick([3, 8, 144, 2_968_704, 2_968_848]))));
    }
  }
  return concatBytes(...parts);
}

/** What our own phones say in the body: a dummy, a TAN, right or not (docs/decisions/025). */
const ownField = (draw: Draw, tan = ''): Uint8Array =>
  draw.pick([
    () => concatBytes(tag(1001, 0), draw.pick([varint(0), varint(1), oddNumber(draw)])),
    () => framed(1002, draw.bytes(draw.below(60))),
    () => framed(1002, new TextEncoder().encode(draw.pick([tan, '11111111-2222-4444-8888-161616161616', '']))),
  ])();

function oddPayload(draw: Draw): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let i = draw.pick([0, 1, 2, 14, 15, 16, 40]); i > 0; i--) parts.push(framed(1, oddKey(draw)));
  for (let i = draw.below(6); i > 0; i--) {
    parts.push(
      draw.pick([
        () => framed(2, draw.bytes(draw.below(400))),
        () => framed(3, draw.bytes(draw.below(4))),
        () => framed(4, new TextEncoder().encode(draw.pick(['DE', 'FR', '', 'DEU', '\u0000', '${1+1}']))),
        () => concatBytes(tag(5, 0), oddNumber(draw)),
        () => framed(6, draw.bytes(draw.below(60))),
        () => concatBytes(tag(7, 0), oddNumber(draw)),
        () => framed(8, oddKey(draw)),
        () => ownField(draw),
        () => framed(draw.below(500_000_000) + 9, draw.bytes(draw.below(30))),
        () => nest(draw.below(400)),
        () => concatBytes(tag(draw.below(9) + 1, 3), draw.bytes(5)), // a group that may never end
      ])(),
    );
  }
  return concatBytes(...parts);
}

/** Messages in messages in messages. */
function nest(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let i = 0; i < depth; i++) inner = framed(1, inner);
  return inner;
}

/** Bends bytes without regard to structure. */
export function bend(draw: Draw, bytes: Uint8Array): Uint8Array {
  const out = Uint8Array.from(bytes);
  const at = draw.below(Math.max(1, out.length));
  switch (draw.below(5)) {
    case 0:
      return out.subarray(0, at);
    case 1:
      if (out.length > 0) out[at] = (out[at] ?? 0) ^ (1 << draw.below(8));
      return out;
    case 2:
      return concatBytes(out.subarray(0, at), draw.bytes(draw.below(40)), out.subarray(at));
    case 3:
      return concatBytes(out, out);
    default:
      return concatBytes(out.subarray(0, at), out.subarray(Math.min(out.length, at + draw.below(30))));
  }
}

function body(draw: Draw, now: number): Uint8Array {
  const honest = (): Uint8Array =>
    encodeSubmissionPayload({
      keys: patientKeys((n) => draw.bytes(n), now).map((key) => ({ ...key, reportType: null })),
      requestPadding: draw.bytes(draw.below(200)),
      visitedCountries: [],
      origin: null,
      consentToFederation: null,
      checkIns: [],
      checkInProtectedReports: [],
      cover: null,
      authorization: null,
      submissionType: 0,
    });
  switch (draw.below(8)) {
    case 0:
      return draw.bytes(draw.below(600));
    case 1:
      return bend(draw, bend(draw, honest()));
    case 2:
      return bend(draw, honest());
    case 3:
      return honest();
    case 4:
      return draw.below(20) === 0 ? draw.bytes(65_536 + draw.below(3)) : bend(draw, oddPayload(draw));
    default:
      return oddPayload(draw);
  }
}

/**
 * Draws one request.
 *
 * @param now Unix seconds of the edge's clock
 * @param tan a TAN that is valid, for a part of the inputs
 */
export function drawInput(draw: Draw, now: number, tan: string): FuzzInput {
  return { door: 'cwa', path: UPLOAD_PATH, ...drawUpload(draw, now, tan) };
}

function drawUpload(draw: Draw, now: number, tan: string): Omit<FuzzInput, 'door' | 'path'> {
  const headers: Record<string, string> = { 'content-type': 'application/x-protobuf' };
  const kind = draw.below(10);
  if (kind < 4) headers['cwa-fake'] = draw.pick(['1', '2', '-1', '999']);
  else headers['cwa-fake'] = '0';
  if (kind >= 4 && kind < 8) {
    headers['cwa-authorization'] = draw.pick([
      randomUuid((n) => draw.bytes(n)),
      '11111111-2222-4444-8888-161616161616',
      'x'.repeat(draw.below(4000)),
      `${tan.slice(0, -1)}${tan.endsWith('0') ? '1' : '0'}`,
      'TAN ' + tan,
    ]);
  }
  if (kind === 3) {
    delete headers['cwa-fake'];
    const stated = concatBytes(body(draw, now), ownField(draw, tan));
    return { headers, body: stated, allowed: [200, 400, 403, 500] };
  }
  // A valid TAN may find itself held by another payload: "try later" is 500 in this dialect.
  if (kind === 8)
    return { headers: { ...headers, 'cwa-authorization': tan }, body: body(draw, now), allowed: [200, 400, 403, 500] };
  if (kind === 9) {
    const odd = { ...headers, 'cwa-authorization': tan, ...draw.pick<Record<string, string>>(ODD_HEADERS) };
    return { headers: odd, body: body(draw, now), allowed: [200, 400, 403, 500] };
  }
  return { headers, body: body(draw, now), allowed: [200, 400, 403] };
}

const ODD_HEADERS: readonly Record<string, string>[] = [
  { 'content-type': 'application/json' },
  { 'content-type': '' },
  { 'cwa-fake': 'x' },
  { 'cwa-fake': '' },
  { 'cwa-fake': '99999999999999999999' },
  { 'cwa-otp': '11111111-2222-4444-8888-161616161616' },
  { 'cwa-otp': '${7*7}' },
];
