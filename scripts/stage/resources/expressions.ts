/**
 * @module Cloudflare's rules language, as much of it as the zone's rules need. No field that says who asks but `ip.src`, and that one nowhere here: a limit counts by it (zone-rules.ts).
 * Regular expressions need a larger plan, so paths are listed or begin with something.
 */

/** @returns a text within an expression */
const text = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** @returns true for requests of a host */
export const hostIs = (host: string): string => `http.host eq ${text(host)}`;

/** @returns true for requests of one of the hosts */
export const hostIn = (hosts: readonly string[]): string => `http.host in {${hosts.map(text).join(' ')}}`;

/** @returns true for one of the methods */
export const methodIn = (methods: readonly string[]): string =>
  `http.request.method in {${methods.map(text).join(' ')}}`;

/** @returns true for one of the paths */
export const pathIn = (paths: readonly string[]): string => `http.request.uri.path in {${paths.map(text).join(' ')}}`;

/** @returns true for a path that begins so */
export const pathBegins = (beginning: string): string => `starts_with(http.request.uri.path, ${text(beginning)})`;

/** @returns true where each is; brackets are put around those with an `or` of their own by whoever writes them */
export const all = (...conditions: readonly string[]): string => conditions.join(' and ');

/** @returns true where one is */
export const any = (...conditions: readonly string[]): string => `(${conditions.join(' or ')})`;

/** @returns true where it isn't */
export const not = (condition: string): string => `not ${condition.startsWith('(') ? condition : `(${condition})`}`;
