/**
 * @module Where a backend's feeds lie (docs/spec/europe.md §2.1, §2.2): the paths that peers read, and the objects of the bucket of feeds behind them. A feed is for one
 * region (what people shared who were abroad), or for all of a cluster ({@link ALL_TO_ALL}).
 */

/** The feed that every region of the cluster reads: M. Vukolić's "all-to-all replication". */
export const ALL_TO_ALL = 'a2a';

/** What a peer asks for. `batch` null: the document that says which batches there are. */
export interface FeedPath {
  /** null: the feed that is the reader's own (DP-3T's paths name none). */
  readonly feed: string | null;
  readonly view: 'keys' | 'gaen';
  readonly batch: number | null;
}

const NAME = '[A-Z][A-Z0-9]|a2a';
const BATCH = '[1-9][0-9]{0,11}';
const KEYS_PATH = new RegExp(`^/v1/(${NAME})/keys(?:/(${BATCH}))?$`);
const GAEN_PATH = new RegExp(`^/v2/gaen/(?:latest|exposed/(${BATCH}))$`);

/** The public keys that `Signature` headers name (RFC 7517). */
export const JWKS_PATH = '/.well-known/jwks.json';
/** Its object. */
export const JWKS_KEY = 'jwks.json';

/** @returns whether a text names a feed: `a2a`, or a region: two capital letters of ISO 3166-1, or a letter and a digit for an enterprise’s site */
export function isFeedName(text: string): boolean {
  return new RegExp(`^(?:${NAME})$`).test(text);
}

/** @param pathname of a URL @returns what it asks for, or null for a path that has no meaning */
export function parseFeedPath(pathname: string): FeedPath | null {
  const keys = KEYS_PATH.exec(pathname);
  if (keys !== null) return { feed: keys[1]!, view: 'keys', batch: keys[2] === undefined ? null : Number(keys[2]) };
  const gaen = GAEN_PATH.exec(pathname);
  return gaen === null ? null : { feed: null, view: 'gaen', batch: gaen[1] === undefined ? null : Number(gaen[1]) };
}

/** @param batch null: the document @returns the path as peers ask for it */
export function feedPath({ feed, view, batch }: FeedPath): string {
  if (view === 'gaen') return batch === null ? '/v2/gaen/latest' : `/v2/gaen/exposed/${batch}`;
  return batch === null ? `/v1/${feed}/keys` : `/v1/${feed}/keys/${batch}`;
}

/** @returns key of the object in the bucket of feeds; both views of a batch lie beside each other */
export function feedKey(feed: string, view: FeedPath['view'], batch: number | null): string {
  if (batch === null) return view === 'keys' ? `${feed}/latest.json` : `${feed}/gaen-latest.json`;
  return view === 'keys' ? `${feed}/${batch}.zip` : `${feed}/${batch}.pb`;
}
