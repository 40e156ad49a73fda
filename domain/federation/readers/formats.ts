/** @module Which format is read by what. */
import { cwaReader, googleReader } from './named.ts';
import { dp3tReader, oursReader } from './numbered.ts';
import type { FeedReader, ReadFormat } from './reader.ts';

/** A peer says in its configuration which it has. */
export const READERS: Readonly<Record<ReadFormat, FeedReader>> = {
  'exposure-edge': oursReader,
  dp3t: dp3tReader,
  google: googleReader,
  cwa: cwaReader,
};
