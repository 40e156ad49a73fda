/** @module The zone's rules let through what docs/openapi.yaml has, and the paths of each host are its alone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { parse } from 'yaml';
import { ROOT } from '../../../local-edge/workers.ts';
import {
  CODE_PATHS,
  CONFIG_PREFIXES,
  LINK_PATHS,
  TEST_PATHS,
  UPLOAD_PATHS,
  VERIFICATION_READ_PATHS,
  downloadPaths,
} from './paths.ts';

interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
}

const { paths } = parse(readFileSync(join(ROOT, 'docs/openapi.yaml'), 'utf8')) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

/** Documented paths that a method is for: refusals of other methods are documented beside it, and answer nothing else. */
const documented = (method: string): [path: string, operation: Operation][] =>
  Object.entries(paths).flatMap(([path, operations]): [string, Operation][] => {
    const operation = operations[method];
    const isGood = Object.keys(operation?.responses ?? {}).some((status) => /^[23]/.test(status));
    return operation === undefined || !isGood ? [] : [[path, operation]];
  });

/** A path as a phone asks for it. */
const example = (path: string): string =>
  path
    .replace('{region}', 'DE')
    .replace('{country}', 'DE')
    .replaceAll(/\{\w+\}/g, '1');

describe('paths of a zone’s rules', () => {
  it('that are posted to are those of the document', ({ expect }) => {
    const posted = documented('post').map(([path]) => path);
    const known = [...UPLOAD_PATHS, ...TEST_PATHS, ...CODE_PATHS];
    expect(posted.toSorted()).toEqual([...known].toSorted());
  });

  it('that are read are those of the document, each of one host', ({ expect }) => {
    const { exact, beginnings } = downloadPaths(['DE', 'EUR']);
    const hostsOf = (path: string): string[] => [
      ...((VERIFICATION_READ_PATHS as readonly string[]).includes(path) ? ['verification'] : []),
      ...((LINK_PATHS as readonly string[]).includes(path) ? ['links'] : []),
      ...(CONFIG_PREFIXES.some((prefix) => path.startsWith(prefix)) ? ['config'] : []),
      ...(exact.includes(path) || beginnings.some((prefix) => path.startsWith(prefix)) ? ['keys'] : []),
      // Of the Worker alone: on a bucket's own domain it isn't there (docs/deploy.md).
      ...(path.startsWith('/v1/directory/') ? ['directory'] : []),
    ];
    const read = documented('get').map(([path, { tags }]) => [path, tags[0], hostsOf(example(path))] as const);
    expect(read.length).toBeGreaterThan(20);
    expect(read.filter(([, , hosts]) => hosts.length !== 1)).toEqual([]);
    expect(read.filter(([, tag, [host]]) => (tag === 'config') !== (host === 'config'))).toEqual([]);
  });
});
