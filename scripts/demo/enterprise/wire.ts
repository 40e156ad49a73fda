/**
 * @module What mTLS between two sites costs, by bytes at the socket: connections of one site to another, each anew and with a full handshake, that ask for nothing, for the feed's document, and for a batch too. What one asks
 * for more than the one before is what that costs.
 */
import { readFileSync } from 'node:fs';
import { X509Certificate } from 'node:crypto';
import { Agent, get } from 'node:https';
import { connect } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TlsIdentity } from '../../../local-edge/efgs-gateway/tls-fetch.ts';
import { readExportZip } from '../../../protocol/export/export-reader.ts';
import { ALL_TO_ALL, feedPath } from '../../../protocol/feed/names.ts';
import { concatBytes } from '../../../protocol/primitives/bytes.ts';
import { backendFiles } from '../../federation/plan.ts';
import type { Site } from '../../federation/sites.ts';

/** Bytes in both directions. */
export interface WireCost {
  /** A connection with a full handshake and nothing in it, TLS's own end included. */
  readonly handshake: number;
  /** Of it what the server's certificates are, DER. */
  readonly serverChain: number;
  readonly clientChain: number;
  /** The feed's document: request and answer. */
  readonly document: number;
  /** A batch: request and answer. */
  readonly batch: number;
  /** Of it the file itself, and the keys in it. */
  readonly file: number;
  readonly keys: number;
}

/** Both sides have closed by then; nothing is asserted of it. */
const SETTLE_MS = 300;

const derBytes = (chain: string): number =>
  [...chain.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)]
    .map(([pem]) => new X509Certificate(pem).raw.length)
    .reduce((all, length) => all + length, 0);

/**
 * @param reader whose certificate is shown
 * @param producer has a batch of the number
 * @throws Error when an answer is none
 */
export async function wireCost(reader: Site, producer: Site, batch: number): Promise<WireCost> {
  const pem = (base: string, kind: string): string => readFileSync(`${base}.${kind}`, 'utf8');
  const [client, server] = [backendFiles(reader.plan).client, backendFiles(producer.plan).server];
  const identity = { cert: pem(client, 'pem'), key: pem(client, 'key'), ca: pem(server, 'pem') };
  let file: Uint8Array = new Uint8Array();
  /** @returns what passed on the one connection that a piece of work opened */
  const bytesOf = async (work: () => Promise<void>): Promise<number> => {
    const before = producer.wire.passed.length;
    await work();
    await sleep(SETTLE_MS);
    const opened = producer.wire.passed.slice(before);
    const [one] = opened;
    if (one === undefined || opened.length > 1) throw new Error(`${opened.length} connections where one is measured`);
    return one.asked + one.answered;
  };
  const asking = (batches: readonly (number | null)[]) => async (): Promise<void> => {
    // Of its own: it knows no session of another's.
    const agent = new Agent({ ...identity, keepAlive: true });
    for (const number of batches) {
      const url = `${producer.feedUrl}${feedPath({ feed: ALL_TO_ALL, view: 'keys', batch: number })}`;
      const body = await bodyOf(url, agent);
      if (number !== null) file = body;
    }
    agent.destroy();
  };
  const handshake = await bytesOf(() => shakeHands(producer.feedUrl, identity));
  const document = await bytesOf(asking([null]));
  const both = await bytesOf(asking([null, batch]));
  const read = readExportZip(file, null);
  if (!read.ok) throw new Error(`batch ${batch} can't be read`);
  return {
    handshake,
    serverChain: derBytes(identity.ca),
    clientChain: derBytes(identity.cert),
    document: document - handshake,
    batch: both - document,
    file: file.length,
    keys: read.exportFile.keys.length,
  };
}

/** @returns the answer's body @throws Error when it isn't 200 */
function bodyOf(url: string, agent: Agent): Promise<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
  const asked = get(url, { agent }, (came) => {
    const parts: Uint8Array[] = [];
    came.on('data', (part: Uint8Array) => parts.push(part));
    came.on('end', () =>
      came.statusCode === 200 ? resolve(concatBytes(...parts)) : reject(new Error(`${url}: ${came.statusCode}`)),
    );
  });
  asked.once('error', reject);
  return promise;
}

/** Opens a connection, waits for the tickets that the server gives with it, and closes it. */
function shakeHands(url: string, identity: TlsIdentity): Promise<void> {
  const { hostname: host, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ ...identity, host, port: Number(port) });
  socket.once('session', () => socket.end());
  socket.once('error', reject);
  socket.once('close', () => resolve());
  return promise;
}
