/**
 * @module The people of the story that each release goes on with (story.ts): how they register, share, download and are counted, as the reference phone does all of it.
 */
import { type EnxPorts, openCode, shareKeys } from '../../../phone/enx/enx.ts';
import type { EnxState } from '../../../phone/enx/state.ts';
import { type CwaState, syncCwaTree } from '../../../phone/download/download-cwa.ts';
import { type GoogleState, syncGoogleIndex } from '../../../phone/download/download-google.ts';
import { type ManifestState, syncManifest } from '../../../phone/download/download-manifest.ts';
import type { ParametersSource } from '../../../phone/parameters/parameters.ts';
import { memoryStore, type Store } from '../../../phone/store.ts';
import type { SharedKey, UploadContent } from '../../../phone/upload/upload-request.ts';
import { upload } from '../../../phone/upload/upload.ts';
import { type OpeningCode, scanQrCode } from '../../../phone/verification/codes.ts';
import { register, tan, testResult, type VerificationPorts } from '../../../phone/verification/verification.ts';
import { googleIndexPath } from '../../../protocol/index/google-index.ts';
import { toHex } from '../../../protocol/primitives/bytes.ts';
import { downloadPorts, pinnedKeys } from '../../../scripts/demo/stage.ts';
import { OWN_APP } from '../../../scripts/support/local-authorities.ts';
import { byteSource, patientKeys } from '../../../scripts/support/patients.ts';
import type { LocalEdge } from '../../../local-edge/local-edge.ts';

/** @throws Error saying what went wrong where something did */
export function taken<T>(result: { ok: true; value: T } | { ok: false; error: unknown }, what: string): T {
  if (!result.ok) throw new Error(`${what}: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** Where a phone has its parameters from. */
export const parametersOf = (edge: LocalEdge): ParametersSource => {
  const { manifestKeys: keys } = pinnedKeys(edge);
  return { fetch, url: edge.url, keys, phone: { platform: 'ios', version: '1.0.0' } };
};

/** What phones ask with. @param label draws their bytes */
export const phonePorts = (edge: LocalEdge, label: string): VerificationPorts & { readonly baseUrl: string } => ({
  fetch,
  verificationUrl: edge.url,
  baseUrl: edge.url,
  random: byteSource(`releases/${label}`),
});

/**
 * @param name of a person
 * @param now Unix seconds
 * @returns their keys, all of a level that is published; not that of the fourteenth day before, whose time may be over before each phone has fetched it
 */
export const keysOf = (name: string, now: number): SharedKey[] =>
  patientKeys(byteSource(`releases/keys of ${name}`), now).slice(0, -1);

/** @returns key data in hex */
export const hexOf = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
  keys.map(({ keyData }) => toHex(keyData));

/** @param keys to be shared */
export const contentOf = (keys: readonly SharedKey[]): UploadContent => ({
  keys,
  visitedCountries: ['DE'],
  consentToFederation: true,
  submissionType: 0,
});

/** Shares the keys of a person. @returns their key data in hex @throws Error when they aren't stored */
export async function share(edge: LocalEdge, tanText: string, name: string, now: number): Promise<string[]> {
  const keys = keysOf(name, now);
  taken(await upload(tanText, contentOf(keys), phonePorts(edge, name)), `upload of ${name}`);
  return hexOf(keys);
}

/** @param n number of a test @returns its QR code */
export function testCode(n: number): OpeningCode {
  const guid = `3D6D08-9AB3CD10-1F2E-4D5C-8B7A-${String(n).padStart(12, '0')}`;
  return taken(scanQrCode(`https://localhost/?${guid}`), `QR code ${n}`);
}

/** @returns the registration token of a code */
export const registered = async (edge: LocalEdge, code: OpeningCode, name: string): Promise<string> =>
  taken(await register(code, phonePorts(edge, name)), `${name} registers`);

/** @returns the TAN of whoever is positive @throws Error when they aren't */
export async function tanOf(edge: LocalEdge, token: string, name: string): Promise<string> {
  const ports = phonePorts(edge, name);
  const result = taken(await testResult(token, ports), `result of ${name}`);
  if (result !== 'positive') throw new Error(`result of ${name}: ${result}`);
  return taken(await tan(token, ports), `TAN of ${name}`);
}

/** An app of Google's dialect. */
export class EnxApp {
  readonly name: string;
  readonly store: Store<EnxState> = memoryStore<EnxState>();
  readonly #ports: EnxPorts;

  constructor(edge: LocalEdge, apiKey: string, name: string) {
    this.name = name;
    const servers = { verificationUrl: edge.url, publishUrl: edge.url, apiKey, healthAuthorityId: OWN_APP };
    this.#ports = { ...servers, fetch, random: byteSource(`releases/enx/${name}`), store: this.store };
  }

  async open(code: string): Promise<void> {
    taken(await openCode(code, this.#ports), `code of ${this.name}`);
  }

  /** @returns key data in hex of what was shared */
  async share(now: number): Promise<string[]> {
    const keys = keysOf(this.name, now);
    const { inserted } = taken(await shareKeys(keys, 0, this.#ports), `publish of ${this.name}`);
    if (inserted !== keys.length)
      throw new Error(`publish of ${this.name}: ${inserted} of ${keys.length} keys are new`);
    return hexOf(keys);
  }
}

/** What three phones have had: JSON values and bytes. */
export interface Downloads {
  readonly manifest: ManifestState | null;
  readonly tree: CwaState | null;
  readonly google: GoogleState | null;
  /** Key data in hex, in the order in which they came, of each phone. */
  readonly received: Readonly<Record<'manifest' | 'tree' | 'google', readonly string[]>>;
}

const NOTHING: Downloads = {
  manifest: null,
  tree: null,
  google: null,
  received: { manifest: [], tree: [], google: [] },
};

async function storeOf<T>(value: T | null): Promise<Store<T>> {
  const store = memoryStore<T>();
  if (value !== null) await store.save(value);
  return store;
}

/** Three phones that download, one each way. @param had of before @param now Unix seconds @returns what they have now @throws Error when one of them met an error */
export async function download(edge: LocalEdge, now: number, had: Downloads = NOTHING): Promise<Downloads> {
  const [manifest, tree, google] = [await storeOf(had.manifest), await storeOf(had.tree), await storeOf(had.google)];
  const received = {
    manifest: [...had.received.manifest],
    tree: [...had.received.tree],
    google: [...had.received.google],
  };
  const ports = (way: keyof typeof received) =>
    downloadPorts(edge, now, ({ exportFile: { keys } }) => void received[way].push(...hexOf(keys)));
  const { manifestKeys } = pinnedKeys(edge);
  const folder = googleIndexPath('DE').split('/').slice(0, -1).join('/');
  const outcomes = [
    await syncManifest({ ...ports('manifest'), region: 'DE', manifestKeys, store: manifest }),
    await syncCwaTree({ ...ports('tree'), country: 'EUR', store: tree }),
    await syncGoogleIndex({ ...ports('google'), baseUrl: `${edge.url}/${folder}`, region: 'DE', store: google }),
  ];
  const errors = outcomes.flatMap((outcome) => outcome.errors);
  if (errors.length > 0) throw new Error(`download at ${now}: ${JSON.stringify(errors)}`);
  return {
    manifest: taken(await manifest.load(), 'manifest'),
    tree: taken(await tree.load(), 'tree'),
    google: taken(await google.load(), 'google'),
    received,
  };
}
