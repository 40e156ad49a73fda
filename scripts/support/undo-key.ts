/**
 * @module The undo key (docs/rollback.md): its private half is in no machine but while one rollback is given. It is kept as two shares, each of which is random by itself; their
 * exclusive or is the key's scalar. A share is one line: what it is, its number, the key it belongs to, 32 bytes in base64url.
 */
import {
  createECDH,
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
} from 'node:crypto';

const SCALAR_BYTES = 32;
const SHARE = /^exposure-edge-undo-share-([12]) ([0-9a-f]{16}) ([A-Za-z0-9_-]{43})\s*$/;

/** A share that can't be used; the message names which, and never a byte of it. */
export class ShareError extends Error {
  override readonly name = 'ShareError';
}

/** @returns a new P-256 key, PKCS#8 PEM */
export function drawUndoKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** @param pem PKCS#8 @returns the public half, SPKI PEM: `UNDO_PUBLIC_KEY` */
export function publicHalf(pem: string): string {
  return createPublicKey(pem).export({ type: 'spki', format: 'pem' }).toString();
}

/** @param pem PKCS#8 of a P-256 key @returns the two shares @throws ShareError when it is no such key */
export function splitKey(pem: string): readonly [string, string] {
  const scalar = scalarOf(pem);
  const first = randomBytes(SCALAR_BYTES);
  const name = nameOf(pem);
  return [shareText(1, name, first), shareText(2, name, xor(scalar, first))];
}

/** @param shares texts of both, in any order @returns the key, PKCS#8 PEM @throws ShareError naming the rule */
export function combineShares(shares: readonly [string, string]): string {
  const read = shares.map((text, n) => {
    const [, number, name, bytes] = SHARE.exec(text) ?? [];
    if (number === undefined || name === undefined || bytes === undefined) {
      throw new ShareError(`the ${n === 0 ? 'first' : 'second'} file is no share of an undo key`);
    }
    return { number, name, bytes: Buffer.from(bytes, 'base64url') };
  });
  const [one, other] = read as [(typeof read)[number], (typeof read)[number]];
  if (one.number === other.number) throw new ShareError(`both files are share ${one.number}: one of each is needed`);
  if (one.name !== other.name) throw new ShareError('the shares are of two different keys');
  const pem = keyOf(xor(one.bytes, other.bytes));
  if (pem === null || nameOf(pem) !== one.name) throw new ShareError('the shares do not fit: one of them is damaged');
  return pem;
}

const shareText = (number: 1 | 2, name: string, bytes: Buffer): string =>
  `exposure-edge-undo-share-${number} ${name} ${bytes.toString('base64url')}\n`;

const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, i) => byte ^ b[i]!));

/** Names a key by its public half. */
const nameOf = (pem: string): string =>
  createHash('sha256')
    .update(createPublicKey(pem).export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);

function scalarOf(pem: string): Buffer {
  try {
    const key = createPrivateKey(pem);
    const { d } = key.export({ format: 'jwk' });
    if (key.asymmetricKeyDetails?.namedCurve === 'prime256v1' && d !== undefined) return Buffer.from(d, 'base64url');
  } catch {
    // What OpenSSL says of it helps nobody.
  }
  throw new ShareError('the file must be a P-256 private key in PEM (PKCS#8)');
}

/** @returns null for a scalar that is none of the curve's */
function keyOf(scalar: Buffer): string | null {
  try {
    const ecdh = createECDH('prime256v1');
    ecdh.setPrivateKey(scalar);
    const point = ecdh.getPublicKey();
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const jwk = { kty: 'EC', crv: 'P-256', d: scalar.toString('base64url'), x: x ?? '', y: y ?? '' };
    return createPrivateKey({ key: jwk, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch {
    return null;
  }
}
