/**
 * @module Drives every path and status of docs/openapi-laboratory.yaml against the running Worker, as openapi.long.test.ts does with what
 * phones reach.
 */
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { bundle } from '../../local-edge/bundle.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { testSecret } from '../support/secrets.ts';
import type { LaboratoryBackOfficeRpc } from '../../domain/rpc.ts';
import { type RawAnswer, send } from './support/http.ts';
import { faultsOf, loadDocument, operations } from './support/openapi.ts';

const document = loadDocument('openapi-laboratory.yaml');
const FINGERPRINTS = { harbour: 'ab'.repeat(32), hill: 'cd'.repeat(32), stranger: 'ef'.repeat(32) } as const;
type Sender = keyof typeof FINGERPRINTS;

let edge: LocalEdge;
/** A deployment that has ended. */
let over: LocalEdge;
/** The Worker whose objects are out of reach. */
let mute: Miniflare;
let muteUrl = '';

beforeAll(async () => {
  const start = (): Promise<LocalEdge> => startLocalEdge({ onLog: () => undefined });
  [edge, over] = await Promise.all([start(), start()]);
  const { raw } = signerFromPkcs8Pem(readFileSync(join(edge.state, 'laboratories.pem'), 'utf8'));
  const laboratories = (['harbour', 'hill'] as const).map((id) => ({
    id,
    name: id,
    certificateFingerprints: [FINGERPRINTS[id]],
  }));
  const { LABORATORY } = await edge.miniflare.getBindings<{ readonly LABORATORY: LaboratoryBackOfficeRpc }>(
    'exposure-edge-portal',
  );
  await LABORATORY.setLaboratories(signDocument('laboratories', 'laboratories-v1', { version: 1, laboratories }, raw));
  const ended = await over.miniflare.getBindings<{ readonly LABORATORY: LaboratoryBackOfficeRpc }>(
    'exposure-edge-portal',
  );
  await ended.LABORATORY.stopForGood(497_000);
  const contents = await bundle('local-edge/entries/laboratory.ts');
  mute = new Miniflare(
    convertV4MiniflareOptions({
      name: 'mute',
      modules: [{ type: 'ESModule', path: 'laboratory.js', contents }],
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['nodejs_compat'],
      bindings: {
        LABORATORY_LIST_PUBLIC_KEY: testSecret('LABORATORY_LIST_PUBLIC_KEY'),
        LABORATORY_LIST_KEY_ID: 'laboratories-v1',
      },
      serviceBindings: { RESULT_STORE: () => new Response(null, { status: 500 }) },
      handleStructuredLogs: () => undefined,
    } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  muteUrl = (await mute.ready).origin;
});
afterAll(async () => {
  for (const running of [edge, over, mute]) await running?.dispose();
});

let tests = 0;
const freshId = (): string => (tests += 1).toString(16).padStart(64, '0');

function post(path: string, rows: unknown, sender: Sender | null = 'harbour', url = edge.url): Promise<RawAnswer> {
  const certificate = sender === null ? {} : { 'x-local-client-certificate': FINGERPRINTS[sender] };
  const body = new TextEncoder().encode(typeof rows === 'string' ? rows : JSON.stringify({ testResults: rows }));
  return send(url, path, { method: 'POST', headers: { 'content-type': 'application/json', ...certificate }, body });
}

/** A negative result, which each route calls otherwise. */
const negative = (path: string): number => (path.includes('pocnat') ? 11 : path.includes('quicktest') ? 6 : 1);
/** A sample of yesterday: one of two months ago would be nothing (decision 045). */
const SAMPLED = Math.floor(Date.now() / 1000) - 86_400;
const row = (path: string, id = freshId()) => ({ id, result: negative(path), sc: SAMPLED });

const DRIVERS: Readonly<Record<string, (path: string) => Promise<RawAnswer>>> = {
  204: (path) => post(path, [row(path)]),
  400: (path) => post(path, [row(path), { ...row(path), result: 4 }]),
  401: (path) => post(path, [row(path)], null),
  403: (path) => post(path, [row(path)], 'stranger'),
  405: (path) => send(edge.url, path),
  410: (path) => post(path, [row(path)], 'harbour', over.url),
  409: async (path) => {
    const own = row(path);
    await post(path, [own]);
    return post(path, [row(path), own], 'hill');
  },
  413: (path) => post(path, ' '.repeat(1_200_001)),
  500: (path) => post(path, [row(path)], 'harbour', muteUrl),
};

const documented = operations(document).flatMap((located) =>
  Object.keys(located.operation.responses).map((status) => ({ ...located, status })),
);

describe('every documented answer', () => {
  it.for(documented)('$method $path: $status', async ({ path, method, operation, status }, { expect }) => {
    const answer = await DRIVERS[status]?.(path);
    if (answer === undefined) throw new Error(`nobody drives status ${status} of ${method} ${path}`);
    expect(answer.status).toBe(Number(status));
    expect(faultsOf(document, { path, method, operation }, answer, answer.body)).toEqual([]);
  });

  it('and each that is driven is documented, on three routes', ({ expect }) => {
    expect(operations(document).map(({ path }) => path)).toEqual([
      '/api/v1/lab/results',
      '/api/v1/quicktest/results',
      '/api/v1/pocnat/results',
    ]);
    for (const { operation } of operations(document)) {
      expect(Object.keys(operation.responses)).toEqual(Object.keys(DRIVERS));
    }
  });
});

describe('the document’s schemas', () => {
  it.for(operations(document))(
    '$path takes the codes that the Worker takes, and no other',
    async ({ path, operation }, { expect }) => {
      const { requestBody } = operation as unknown as {
        requestBody: { content: { 'application/json': { schema: { $ref: string } } } };
      };
      const name = requestBody.content['application/json'].schema.$ref.split('/').at(-1) ?? '';
      const schema = document.components.schemas[name] as {
        properties: { testResults: { items: { properties: { result: { enum: number[] } } } } };
      };
      const codes = Array.from({ length: 20 }, (_, code) => code);
      const statuses = await Promise.all(
        codes.map(async (code) => (await post(path, [{ ...row(path), result: code }])).status),
      );
      expect(codes.filter((code) => statuses[code] === 204)).toEqual(
        schema.properties.testResults.items.properties.result.enum,
      );
    },
  );
});

it('elsewhere there is nothing: 404, on CWA’s routes that read a result too', async ({ expect }) => {
  for (const path of ['/api/v1/app/result', '/api/v1/quicktest/result', '/api/v1/lab', '/api/v1/lab/results/']) {
    expect([path, (await post(path, [row('/api/v1/lab/results')])).status]).toEqual([path, 404]);
  }
});
