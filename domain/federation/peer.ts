/**
 * @module A peer as its consumer holds it: the configuration and the state of M. Vukolić, "On the Interoperability of Decentralized Exposure Notification Systems" (arXiv:2006.13087 §5.3), by its names
 * (docs/spec/europe.md §2.2), and beside the state how often it failed, what tripped and what is switched off.
 */
import * as z from 'zod';
import { REGION_ID } from '../../protocol/directory/entry.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';

/** What a consumer can read; `efgs` is a gateway of many countries, and the region's id is then ours to choose. */
const FORMATS = ['exposure-edge', 'dp3t', 'google', 'cwa', 'efgs'] as const;
export type Format = (typeof FORMATS)[number];

const keySchema = z.strictObject({
  keyId: z.string().min(1).max(64),
  keyVersion: z.string().min(1).max(64),
  /** SubjectPublicKeyInfo, base64. */
  spki: z.string().min(1).max(1_024),
});

const peerConfigSchema = z.strictObject({
  RegionID: z.string().regex(REGION_ID),
  /** Paths of the format are built on it; no slash at its end. */
  RemoteRegionURL: z.string().max(300).refine(isBase, 'must be an https address without a slash at its end'),
  ReplicationType: z.enum(['a2a', 'partial']),
  Format: z.enum(FORMATS),
  /** null: those of the directory, asked at each poll, so that what was revoked verifies nothing from then on. */
  VerificationKeys: z.array(keySchema).min(1).max(2).nullable(),
  /** Name of the binding whose `fetch` shows our client certificate. */
  TLSConsumerCertificate: z.string().regex(/^[A-Z][A-Z0-9_]{0,63}$/),
  /** Not the paper's: where the peer wants to be told that our feed has a new batch (domain/federation/hint.ts); left out, it isn't. */
  HintURL: z.string().max(300).refine(isAddress, 'must be an https address without a query').optional(),
});

/** The paper's configuration, field by field, and one of DP-3T's. */
export type PeerConfig = Readonly<z.infer<typeof peerConfigSchema>>;

/** Which way keys go: `in` is what we read of the peer, `out` what it reads of us. */
export type Direction = 'in' | 'out';

/** The paper's state, and what a consumer needs beside it. */
export interface PeerState {
  /** The last batch that was imported or set aside, by the format's own name; null before the first. */
  readonly lastBatchID: string | null;
  /** Unix seconds; null: the peer recommends nothing. */
  readonly recommendedNextPollTime: number | null;
  /** Polls that failed since the last that didn't. */
  readonly failures: number;
  /** What stands between us and the peer; null: nothing. An operator closes it. */
  readonly breaker: string | null;
  /** The kill switch. */
  readonly stopped: Readonly<Record<Direction, boolean>>;
}

/** Before the first poll. */
export const PEER_START: PeerState = {
  lastBatchID: null,
  recommendedNextPollTime: null,
  failures: 0,
  breaker: null,
  stopped: { in: false, out: false },
};

/** @param text JSON: a list of {@link PeerConfig}, each region once @returns the peers, or which field breaks which rule */
export function parsePeers(text: string, homeCountry: string): Result<readonly PeerConfig[], string> {
  if (text === '') return ok([]);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('must be JSON');
  }
  const parsed = z.array(peerConfigSchema).max(64).safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return err(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is wrong'}`);
  }
  const regions = parsed.data.map(({ RegionID }) => RegionID);
  if (new Set(regions).size < regions.length) return err('RegionID: each peer is named once');
  // A gateway calls those who subscribe; it isn't called.
  const told = parsed.data.find(({ Format, HintURL }) => Format === 'efgs' && HintURL !== undefined);
  if (told !== undefined) return err('HintURL: a gateway isn’t told');
  if (regions.includes(homeCountry)) return err(`RegionID: ${homeCountry} is ourselves`);
  return ok(parsed.data);
}

/** @returns whether paths can be built on an address */
function isBase(text: string): boolean {
  return isAddress(text) && !text.endsWith('/');
}

/** @returns whether it may be asked; http is for a machine's own loopback alone */
function isAddress(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  return (
    `${username}${password}` === '' && (protocol === 'https:' || (protocol === 'http:' && hostname === '127.0.0.1'))
  );
}
