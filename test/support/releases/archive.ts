/**
 * @module What is kept of a release (test/fixtures/releases/<version>/): its Workers' bundles, the state that they left, what they can be called with. Written by keep.ts, read by the tests of the next release.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { ROOT } from '../../../local-edge/workers.ts';
import { fromStateText } from '../../../phone/store.ts';
import type { Surface } from '../../../scripts/release/shapes.ts';
import type { Left } from './before.ts';

const FOLDER = join(ROOT, 'test/fixtures/releases');
/** Names of files of one release. */
export const FILES = {
  surface: 'surface.json',
  configuration: 'wrangler.toml',
  bundles: 'workers.json.br',
  state: 'state.tar.br',
  left: 'left.json',
} as const;
/** Of tar, whose output is not ours to bound. */
const MOST_BYTES = 256 * 1024 * 1024;
/** 16 MiB: all bundles have much in common. */
const WINDOW_BITS = 24;

/** @param bytes to be kept @returns them, as small as it gets; takes a second a megabyte */
export function pack(bytes: Uint8Array): Uint8Array {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = constants;
  const params = {
    [BROTLI_PARAM_QUALITY]: 11,
    [BROTLI_PARAM_LGWIN]: WINDOW_BITS,
    [BROTLI_PARAM_SIZE_HINT]: bytes.length,
  };
  return brotliCompressSync(bytes, { params });
}

/** @param folder of a state that rests @returns its files, whatever machine and hour: by name, of nobody, all of one time. What SQLite makes anew of its log is left out */
export function packState(folder: string): Uint8Array {
  const alike = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--mode=u=rwX,go='];
  return pack(
    execFileSync('tar', ['-c', ...alike, '--exclude=*.sqlite-shm', '-C', folder, '.'], { maxBuffer: MOST_BYTES }),
  );
}

/** @returns versions that are kept, oldest first */
export function keptReleases(): string[] {
  const parts = (version: string): number[] => version.split('.').map(Number);
  return readdirSync(FOLDER).toSorted((a, b) => {
    const [left, right] = [parts(a), parts(b)];
    return left.map((part, n) => part - (right[n] ?? 0)).find((difference) => difference !== 0) ?? 0;
  });
}

/** @returns path of a file of a release, or of its folder */
export const pathOf = (version: string, name = ''): string => join(FOLDER, version, name);

const unpacked = (version: string, name: string): Uint8Array =>
  brotliDecompressSync(readFileSync(pathOf(version, name)));

/** @returns a copy of the state that a release left, in a new folder that the caller removes */
export function unpackState(version: string): string {
  const folder = mkdtempSync(join(tmpdir(), `exposure-edge-state-${version}-`));
  execFileSync('tar', ['-x', '-C', folder], { input: unpacked(version, FILES.state) });
  return folder;
}

/** @returns what people held when that state was left */
export const leftBy = (version: string): Left =>
  fromStateText(readFileSync(pathOf(version, FILES.left), 'utf8')) as Left;

/** @returns entry file → text of its bundle, with the local clock */
export const bundlesOf = (version: string): Readonly<Record<string, string>> =>
  JSON.parse(new TextDecoder().decode(unpacked(version, FILES.bundles))) as Record<string, string>;

/** @returns what the Workers of a release can be called with */
export const surfaceOf = (version: string): Surface =>
  JSON.parse(readFileSync(pathOf(version, FILES.surface), 'utf8')) as Surface;
