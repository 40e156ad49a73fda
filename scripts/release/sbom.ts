/**
 * @module The bill of materials of a release, CycloneDX 1.5: what npm says of package-lock.json, with what is in the bundles told apart from what builds and tests, and nothing of the machine or the hour that made it.
 */
import { createHash } from 'node:crypto';
import { runChild } from '../support/command-line/child.ts';
import type { Commit, LockedPackages } from './repository.ts';

/** As npm writes one, as far as it is kept. */
interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly scope?: string;
  readonly purl?: string;
  readonly hashes?: readonly unknown[];
  readonly licenses?: readonly unknown[];
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

/** What npm makes. */
export interface NpmBom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** @param root of a checkout @returns npm's word on package-lock.json, whatever is installed @throws Error where this npm has no `sbom` */
export async function npmBom(root: string): Promise<NpmBom> {
  const args = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  const { code, stdout, stderr } = await runChild('npm', args, { cwd: root, output: 'kept' });
  if (code !== 0) throw new Error(`npm sbom, which npm has from 9.5 on: ${stderr}`);
  return JSON.parse(stdout) as NpmBom;
}

/** A UUID that is the same for the same text: version 8, which RFC 9562 leaves to whoever makes it. */
function uuidOf(text: string): string {
  const bytes = createHash('sha256').update(text).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const byRef = (a: { readonly ref: string }, b: { readonly ref: string }): number => (a.ref < b.ref ? -1 : 1);

/**
 * @param npm see {@link npmBom}
 * @param of project, version and commit
 * @param bundled paths of packages whose code is in a bundle
 * @param locked package-lock.json
 * @returns the bill: `required` is what is in the bundles, `excluded` what builds and tests
 * @throws Error when a bundle has a package that npm doesn't name
 */
export function bomOf(
  npm: NpmBom,
  of: { readonly name: string; readonly version: string; readonly commit: Commit },
  bundled: ReadonlySet<string>,
  locked: LockedPackages,
): object {
  const nameOf = (path: string): string => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const inBundles = new Set([...bundled].map((path) => `${nameOf(path)}@${locked[path]?.version}`));
  const components = npm.components
    .map(({ 'bom-ref': ref, type, name, version, purl, hashes = [], licenses = [] }) => {
      const isBundled = inBundles.delete(`${name}@${version}`);
      const role = isBundled ? 'in a bundle' : 'builds or tests';
      const properties = [{ name: 'exposure-edge:role', value: role }];
      return {
        type,
        'bom-ref': ref,
        name,
        version,
        scope: isBundled ? 'required' : 'excluded',
        hashes,
        licenses,
        purl,
        properties,
      };
    })
    .toSorted((a, b) => (a['bom-ref'] < b['bom-ref'] ? -1 : 1));
  if (inBundles.size > 0) throw new Error(`in a bundle, and not in package-lock.json: ${[...inBundles].join(', ')}`);
  const self = `${of.name}@${of.version}`;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${uuidOf(`${self} ${of.commit.id}`)}`,
    version: 1,
    metadata: {
      timestamp: new Date(of.commit.at * 1000).toISOString(),
      tools: [{ name: 'npm sbom' }, { name: 'exposure-edge npm run release' }],
      component: {
        type: 'application',
        'bom-ref': self,
        name: of.name,
        version: of.version,
        licenses: [{ license: { id: 'Apache-2.0' } }],
        purl: `pkg:npm/${self}`,
        properties: [{ name: 'exposure-edge:commit', value: of.commit.id }],
      },
    },
    components,
    dependencies: npm.dependencies
      .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.toSorted() }))
      .toSorted(byRef),
  };
}
