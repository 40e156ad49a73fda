import { beforeEach, describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import {
  type Audience,
  CONFIG_TYPE,
  type ConfigHead,
  EVERYONE,
  configDocumentPath,
  documentName,
} from '../../protocol/parameters/config-head.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import {
  type ParametersSource,
  type ParametersState,
  currentParameters,
  describeParametersError,
  newParametersState,
  updateParameters,
} from './parameters.ts';
import { DEFAULT_POLLING, nextParametersCheck } from './parameters-schedule.ts';

const NOW = 1_781_481_600;
const key = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(5)));
const stranger = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(6)));
const text = (comment: string): string => JSON.stringify({ ...defaults, comment });

/** A server of two paths that a test changes at will. */
class Server {
  now = NOW;
  age: string | null = null;
  head = '';
  readonly documents = new Map<string, string>();
  requests: string[] = [];

  publish(
    change: Partial<ConfigHead> & { comments?: [string, Audience][] } = {},
    signer = key.raw,
    id = 'manifest-v1',
  ) {
    const { comments = [['one', EVERYONE]], ...fields } = change;
    const documents = comments.map(([comment, audience]) => {
      const sha256 = documentName(text(comment));
      this.documents.set(configDocumentPath(sha256), text(comment));
      return { sha256, size: new TextEncoder().encode(text(comment)).length, audience };
    });
    const head = { version: 1, issuedAt: NOW - 60, validUntil: NOW + 86_400, documents, ...fields };
    this.head = signDocument(CONFIG_TYPE, id, head, signer);
  }

  readonly source: ParametersSource = {
    url: 'https://config.example',
    keys: { 'manifest-v1': key.publicKeySpki },
    phone: { platform: 'android', version: 50 },
    fetch: async (url, init) => {
      const path = new URL(url).pathname.slice(1);
      this.requests.push(path);
      const body = path === 'v1/config/head.json' ? this.head : this.documents.get(path);
      if (body === undefined || body === '') return new Response(null, { status: 404 });
      const etag = `"${documentName(body)}"`;
      const headers: Record<string, string> = { etag, date: new Date(this.now * 1000).toUTCString() };
      if (this.age !== null) headers['age'] = this.age;
      const sent = new Headers(init?.headers).get('if-none-match');
      return sent === etag ? new Response(null, { status: 304, headers }) : new Response(body, { headers });
    },
  };
}

let server: Server;
let state: ParametersState;
beforeEach(() => {
  server = new Server();
  state = newParametersState((length) => new Uint8Array(length).fill(3));
  server.publish();
});

/** One update at `now`; the state is kept. @returns the outcome, or the error's kind */
async function update(now = NOW, source: Partial<ParametersSource> = {}): Promise<string> {
  const result = await updateParameters({ ...server.source, ...source }, state, now);
  state = result.state;
  return result.outcome.ok ? result.outcome.value : result.outcome.error.kind;
}
const comment = (): string | undefined => currentParameters(state)?.comment;

describe('what a phone takes', () => {
  it('a signed head and its document; then 304 and nothing more', async ({ expect }) => {
    expect(currentParameters(state)).toBeNull();
    expect([await update(), comment()]).toEqual(['new', 'one']);
    server.requests = [];
    expect([await update(), server.requests]).toEqual(['same', ['v1/config/head.json']]);
  });

  it('a renewed head without loading the document again', async ({ expect }) => {
    await update();
    server.publish({ issuedAt: NOW, validUntil: NOW + 90_000 });
    server.requests = [];
    expect([await update(), server.requests.length, state.head?.issuedAt]).toEqual(['same', 1, NOW]);
  });

  it('a newer version', async ({ expect }) => {
    await update();
    server.publish({ version: 2, comments: [['two', EVERYONE]] });
    expect([await update(), comment()]).toEqual(['new', 'two']);
  });

  it('what is meant for its version, also when the app was updated under an unchanged head', async ({ expect }) => {
    const late: Audience = { ...EVERYONE, android: { min: 60, max: 99 } };
    server.publish({
      comments: [
        ['late', late],
        ['one', EVERYONE],
      ],
    });
    expect([await update(), comment()]).toEqual(['new', 'one']);
    expect(await update(NOW, { phone: { platform: 'android', version: 60 } })).toBe('new');
    expect(comment()).toBe('late');
  });
});

describe('what it refuses, keeping the last good document', () => {
  const cases: { name: string; kind: string; change: (server: Server) => void; now?: number }[] = [
    { name: 'an older version', kind: 'older', change: (s) => s.publish({ version: 4 }) },
    {
      name: 'the version it has, issued earlier',
      kind: 'replayed',
      change: (s) => s.publish({ version: 5, issuedAt: NOW - 120 }),
    },
    {
      name: 'the version it has, with another document',
      kind: 'replayed',
      change: (s) => s.publish({ version: 5, comments: [['x', EVERYONE]] }),
    },
    { name: 'an expired head', kind: 'expired', change: (s) => s.publish({ version: 6, validUntil: NOW }) },
    {
      name: 'a head from the future',
      kind: 'from-the-future',
      change: (s) => s.publish({ version: 6, issuedAt: NOW + 7_201, validUntil: NOW + 9_000 }),
    },
    { name: 'a stranger’s signature', kind: 'bad-signature', change: (s) => s.publish({ version: 6 }, stranger.raw) },
    {
      name: 'a key it does not know',
      kind: 'unknown-key',
      change: (s) => s.publish({ version: 6 }, stranger.raw, 'other'),
    },
    {
      name: 'a document of another type',
      kind: 'wrong-type',
      change: (s) => (s.head = signDocument('manifest', 'manifest-v1', {}, key.raw)),
    },
    {
      name: 'a head with unknown fields',
      kind: 'malformed-head',
      change: (s) => s.publish({ version: 6, extra: 1 } as Partial<ConfigHead>),
    },
    { name: 'rubbish', kind: 'malformed-document', change: (s) => (s.head = '<html>') },
    { name: 'a head larger than any', kind: 'too-large', change: (s) => (s.head = 'x'.repeat(20_000)) },
    { name: 'nothing there', kind: 'status', change: (s) => (s.head = '') },
    {
      name: 'a document that is not what its name says',
      kind: 'wrong-document',
      change: (s) => {
        s.publish({ version: 6, comments: [['six', EVERYONE]] });
        for (const path of s.documents.keys()) s.documents.set(path, text('six').replace('six', 'sex'));
      },
    },
    {
      name: 'a document of another format',
      kind: 'unreadable-document',
      change: (s) => {
        const body = '{"format":"other"}';
        s.documents.set(configDocumentPath(documentName(body)), body);
        s.publish({ version: 6, documents: [{ sha256: documentName(body), size: body.length, audience: EVERYONE }] });
      },
    },
    {
      name: 'a missing document',
      kind: 'status',
      change: (s) => {
        s.publish({ version: 6, comments: [['six', EVERYONE]] });
        s.documents.clear();
      },
    },
    {
      name: 'any head while its own clock is three hours ahead',
      kind: 'clock',
      change: (s) => s.publish({ version: 6 }),
      now: NOW + 3 * 3600,
    },
    {
      name: 'any head while its own clock is three hours behind',
      kind: 'clock',
      change: (s) => s.publish({ version: 6 }),
      now: NOW - 3 * 3600,
    },
  ];

  it.for(cases)('$name', async ({ kind, change, now = NOW }, { expect }) => {
    server.publish({ version: 5, comments: [['five', EVERYONE]] });
    await update();
    change(server);
    const result = await updateParameters(server.source, state, now);
    expect(result.outcome.ok ? 'taken' : result.outcome.error.kind).toBe(kind);
    if (!result.outcome.ok) expect(describeParametersError(result.outcome.error).length).toBeGreaterThan(20);
    expect(result.state).toEqual({ ...state, failures: 1 });
    expect(currentParameters(result.state)?.comment).toBe('five');
  });

  it('takes the age of a cached copy into account, and its own clock within two hours', async ({ expect }) => {
    server.now = NOW - 3 * 3600;
    expect(await update()).toBe('clock');
    server.age = String(3 * 3600);
    expect(await update()).toBe('new');
    server.publish({ issuedAt: NOW });
    server.age = null;
    server.now = NOW;
    expect(await update(NOW + 7_200)).toBe('same');
  });

  it('an unchanged head that has run out meanwhile', async ({ expect }) => {
    await update();
    // The phone's own clock is a day ahead: that is said, not that the head has run out.
    expect(await update(NOW + 86_400)).toBe('clock');
    server.now = NOW + 86_400;
    expect([await update(NOW + 86_400), comment()]).toEqual(['expired', 'one']);
  });

  it('goes on after failures, and counts them for the back-off', async ({ expect }) => {
    const broken = { fetch: () => Promise.reject(new TypeError('no network')) };
    expect([await update(NOW, broken), await update(NOW, broken), state.failures]).toEqual(['network', 'network', 2]);
    expect([await update(), state.failures]).toEqual(['new', 0]);
  });
});

describe('schedule', () => {
  const random =
    (byte: number) =>
    (length: number): Uint8Array =>
      new Uint8Array(length).fill(byte);

  it('next interval + random(3600), as in the seed', ({ expect }) => {
    const next = (byte: number): number => nextParametersCheck(DEFAULT_POLLING, NOW + 1800, 0, random(byte));
    expect(next(0) - NOW).toBe(3600);
    expect(next(0x7f) - NOW).toBeGreaterThan(3600);
    expect(next(0x7f) - NOW).toBeLessThan(7200);
  });

  it('backs off after failures', ({ expect }) => {
    const waits = [1, 2, 3, 12].map((failures) => nextParametersCheck(DEFAULT_POLLING, NOW, failures, random(0)) - NOW);
    expect(waits).toEqual([30, 60, 120, 1800]);
  });

  it('asks inside the windows alone, anywhere in the next one', ({ expect }) => {
    // NOW is a midnight; windows of 06:00–08:00 and 20:00–21:00.
    const polling = {
      ...DEFAULT_POLLING,
      windows: [
        { fromMinute: 360, toMinute: 480 },
        { fromMinute: 1200, toMinute: 1260 },
      ],
    };
    const hours = (from: number, byte: number): number =>
      (nextParametersCheck(polling, NOW + from * 3600, 0, random(byte)) - NOW) / 3600;
    expect(hours(2, 0)).toBe(6);
    expect(hours(2, 0x40)).toBeGreaterThan(6);
    expect(hours(2, 0x40)).toBeLessThan(8);
    expect(hours(5.5, 0)).toBe(6);
    expect(hours(9, 0)).toBe(20);
    expect(hours(20.5, 0)).toBe(24 + 6);
  });
});
