/**
 * @module The `index` Worker: what phones read (docs/architecture.md §6). It decides on the method, the query and the shape of the
 * path, and hands what is left to R2. Nothing of the client is read, kept or passed on.
 */
import type { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { parsedOnce } from '../shared/env.ts';
import { createStaticReader } from '../shared/static-reader.ts';
import { type IndexEnv, parseIndexConfig } from './bindings.ts';
import { listAfterTheEnd } from './after-the-end.ts';
import { cannotExist } from './not-yet.ts';

const configOf = parsedOnce(parseIndexConfig);

/**
 * Builds the Worker.
 *
 * @param options.clock gives the time for `Date` and for the age an object has left
 * @returns an app whose `fetch` takes a request and the bindings of `[env.index]`
 * @throws Error from the first request on when a binding is missing or absurd (answered with 500, `no-store`)
 */
export function createApp({ clock }: { readonly clock: Clock }): Hono<{ Bindings: IndexEnv }> {
  return createStaticReader({ name: 'index', clock, configOf, cannotExist, insteadOf: listAfterTheEnd });
}
