/** @module Which format is read by what. */
import { googleReader } from './listed.ts';
import { dp3tReader, oursReader } from './numbered.ts';
import type { FeedReader, ReadFormat } from './reader.ts';
import { cwaReader } from './tree.ts';

/** A peer says in its configuration which it has. */
export const READERS: Readonly<Record<ReadFormat, FeedReader>> = {
  'exposure-edge': oursReader,
  dp3t: dp3tReader,
  google: googleReader,
  cwa: cwaReader,
};
