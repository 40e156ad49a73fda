/**
 * @module The `config` Worker: what phones read of the health authority's parameters (docs/architecture.md §6). As `index`, it only
 * reads the public bucket; `origin` signed what lies there.
 */
import type { Hono } from 'hono';
import type { Clock } from '../../domain/clock.ts';
import { parsedOnce } from '../shared/env.ts';
import { createStaticReader } from '../shared/static-reader.ts';
import { type ConfigEnv, parseConfigConfig } from './bindings.ts';

const configOf = parsedOnce(parseConfigConfig);

/**
 * Builds the Worker.
 * @param options.clock gives the time for `Date`, by which phones check their own clock
 * @returns an app whose `fetch` takes a request and the bindings of `[env.config]`
 */
export function createApp({ clock }: { readonly clock: Clock }): Hono<{ Bindings: ConfigEnv }> {
  return createStaticReader({ name: 'config', clock, configOf });
}
