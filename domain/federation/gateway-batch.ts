/**
 * @module Names of a gateway's batch (docs/architecture.md §9.1). The desk remembers it by the gateway's tag, and a country's part that is set aside by itself by the tag and the country; `origin` has each country's keys as a batch of that country,
 * by one name for all of them. No other format's names have a colon (readers/), so none can be taken for a gateway's.
 */
import type { PeerBatchUndo } from '../rpc-federation.ts';
import type { Format } from './peer.ts';

const PREFIX = 'efgs:';

/** @param tag of the gateway @returns under what `origin` has the batch, of whichever country */
export const gatewayBatch = (tag: string): string => `${PREFIX}${tag}`;

/** @returns whether a name is {@link gatewayBatch}'s */
export const isGatewayBatch = (batch: string): boolean => batch.startsWith(PREFIX);

/** @returns under what a desk remembers a country's part of a batch */
export const partName = (tag: string, country: string): string => `${tag}/${country}`;

/** @param name a desk's, of a batch or a country's part @returns both; without a country the whole batch */
export function partOf(name: string): { readonly tag: string; readonly country: string | null } {
  const [tag = '', country = null] = name.split('/');
  return { tag, country };
}

/**
 * @param format what the peer speaks
 * @param region the peer's
 * @param name as its desk remembers the batch
 * @returns what `origin` has of it: a gateway's in every country, or in one whose part it is
 */
export function storedAs(format: Format, region: string, name: string): Pick<PeerBatchUndo, 'peer' | 'batch'> {
  if (format !== 'efgs') return { peer: region, batch: name };
  const { tag, country } = partOf(name);
  return { peer: country, batch: gatewayBatch(tag) };
}
