/**
 * @module Requests of somebody who wishes us ill (docs/spec/platform.md §5.6): made-up addresses for `index`, uploads without a
 * TAN for `upload`. Every one is different, so that none is answered from a cache by luck.
 */
import { randomBytes } from 'k6/crypto';
import encoding from 'k6/encoding';
import { cwa } from './phone.ts';
import { REGION } from './settings.ts';

const random = (below: number): number => Math.floor(Math.random() * below);

const hex = (bytes: number): string =>
  Array.from(new Uint8Array(randomBytes(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** A download that nothing honest sends, and the statuses that are right for it. */
export interface BadDownload {
  readonly kind: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly right: readonly number[];
}

/** A day within retention or just past it. */
const dayFromNow = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/**
 * @param listed SHA-256 name of a chunk that exists, for the ranges
 * @returns one bad request at random
 */
export function badDownload(listed: string): BadDownload {
  const chunk = `/v1/${REGION}/chunks/${listed}.compact`;
  const start = random(100);
  const bad: BadDownload[] = [
    { kind: 'query', path: `/v1/${REGION}/manifest.json?${hex(6)}`, headers: {}, right: [400] },
    { kind: 'unknown path', path: `/${hex(4)}/${hex(8)}.zip`, headers: {}, right: [404] },
    { kind: 'unknown region', path: `/v1/X${random(1e6)}/manifest.json`, headers: {}, right: [404] },
    { kind: 'escaped path', path: `/v1/${REGION}/%6d${hex(3)}%2e%2e/manifest.json`, headers: {}, right: [400, 404] },
    // Each is the manifest to a parser of URLs, and a name of its own to a cache.
    { kind: 'dotted path', path: `/${hex(4)}/%2e%2e/v1/${REGION}/manifest.json`, headers: {}, right: [404] },
    {
      kind: 'doubled slashes',
      path: `/${'/'.repeat(1 + random(400))}v1/${REGION}/manifest.json`,
      headers: {},
      right: [404],
    },
    { kind: 'hour not sealed', path: cwa.hour(dayFromNow(1 + random(300)), random(24)), headers: {}, right: [404] },
    { kind: 'day not over', path: cwa.day(dayFromNow(random(300))), headers: {}, right: [404] },
    { kind: 'range', path: chunk, headers: { Range: `bytes=${start}-${start + random(400)}` }, right: [200, 206] },
    { kind: 'range past the end', path: chunk, headers: { Range: 'bytes=99999999-' }, right: [200, 416] },
    { kind: 'made-up validator', path: chunk, headers: { 'If-None-Match': `"${hex(16)}"` }, right: [200] },
  ];
  return bad[random(bad.length)] as BadDownload;
}

/** An upload that must be refused, or at most be taken for a dummy. */
export interface BadUpload {
  readonly kind: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ArrayBuffer;
}

const PROTOBUF = { 'Content-Type': 'application/x-protobuf' };

/** Well-formed like a TAN, its MAC made up: refused in `upload`, before any RPC (docs/architecture.md §4.3). */
function forgedTan(): string {
  const digits = hex(16);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `8${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join('-');
}

/**
 * @param body of a well-formed upload, base64
 * @param tan that opens nothing
 * @returns an upload in which nothing else is wrong
 */
export function badTan(body: string, tan: string): Omit<BadUpload, 'kind'> {
  return {
    headers: { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': tan },
    body: encoding.b64decode(body, 'std'),
  };
}

/**
 * @param body of a well-formed upload, base64
 * @returns one bad upload at random
 */
export function badUpload(body: string): BadUpload {
  const wellFormed = encoding.b64decode(body, 'std');
  const bad: BadUpload[] = [
    { kind: 'forged TAN', ...badTan(body, forgedTan()) },
    { kind: 'no TAN', headers: { ...PROTOBUF, 'cwa-fake': '0' }, body: wellFormed },
    {
      kind: 'TAN of no form',
      headers: { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': hex(18) },
      body: wellFormed,
    },
    {
      kind: 'noise',
      headers: { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': forgedTan() },
      body: randomBytes(1_024),
    },
    {
      kind: 'too long',
      headers: { ...PROTOBUF, 'cwa-fake': '0', 'cwa-authorization': forgedTan() },
      body: randomBytes(70_000),
    },
  ];
  return bad[random(bad.length)] as BadUpload;
}
