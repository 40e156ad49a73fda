/**
 * @module A phone in a directory, without a server: made once, closed to others, never written over, one command at a time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, it, vi } from 'vitest';
import { spkiToPem } from '../../protocol/signing.ts';
import { EXPORT_KEY, manifestSigner } from '../testing/timeline.ts';
import { main } from './cli.ts';

let root: string;
let here: string;
let pins: string;
let count = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'phone-directory-'));
  pins = join(root, 'pins');
  await mkdir(pins);
  await writeFile(join(pins, 'public.pem'), spkiToPem(EXPORT_KEY.publicKeySpki));
  await writeFile(join(pins, 'manifest-public.pem'), spkiToPem(manifestSigner.publicKeySpki));
});
afterAll(() => rm(root, { recursive: true }));
beforeEach(async () => {
  here = join(root, String(count++));
  await mkdir(here);
});

/** @returns exit code and what was printed; names of phones stand below `here` */
async function phone(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  return { code, out: out.join(''), err: err.join('') };
}
const at = (name: string): string => join(here, name);
/** Nobody listens there: what asks a server ends with "no answer". */
const NOWHERE = 'http://127.0.0.1:9';
const init = (name: string) => phone('init', at(name), '--pins', pins, '--url', NOWHERE);
const contents = async (name: string): Promise<[string, string][]> =>
  Promise.all((await readdir(at(name))).map(async (file) => [file, await readFile(join(at(name), file), 'utf8')]));

describe('phone enx', () => {
  it.for([
    ['nothing', []],
    ['what isn’t there', ['sing', 'DIR']],
    ['no phone', ['share']],
    ['no code', ['open', 'DIR']],
    ['a code too many', ['share', 'DIR', '12345678']],
    ['no key of the app', ['app', 'DIR']],
    ['an option of another', ['share', 'DIR', '--api-key', 'k']],
    ['a report without a date', ['report', 'DIR', '--phone', '+4915550000001']],
  ] as const)('with %s is called wrongly', async ([, args], { expect }) => {
    await init('anna');
    const given = args.map((arg) => (arg === 'DIR' ? at('anna') : arg));
    expect(await phone('enx', ...given)).toMatchObject({ code: 2, out: '' });
    expect(await readdir(at('anna'))).toEqual(['keys.json', 'phone.json']);
  });

  it('says what comes first, loses nothing without an answer, and names a code that is none', async ({ expect }) => {
    await init('anna');
    expect((await phone('enx', 'chaff', at('anna'))).err).toContain('phone enx app DIR --api-key KEY');
    await phone('enx', 'app', at('anna'), '--api-key', 'k');
    expect(await phone('enx', 'open', at('anna'), 'x', '--json')).toMatchObject({
      code: 1,
      out: expect.stringContaining('"no-code"') as string,
    });
    const unheard = await phone('enx', 'open', at('anna'), '12345678', '--json');
    expect([unheard.code, JSON.parse(unheard.out)]).toMatchObject([1, { refused: true, error: 'try-again' }]);
    expect(JSON.parse((await phone('enx', 'chaff', at('anna'), '--json')).out)).toMatchObject({ answered: 0 });
    expect((await phone('enx', 'share', at('anna'))).err).toContain('nothing to share');
    expect((await phone('enx', 'sync', at('anna'))).code).toBe(1);
  });
});

describe('phone init', () => {
  it('makes a directory for its owner alone, and nothing else’s', async ({ expect }) => {
    expect(await init('anna')).toMatchObject({ code: 0, err: '' });
    expect((await stat(at('anna'))).mode & 0o777).toBe(0o700);
    for (const file of await readdir(at('anna'))) {
      expect((await stat(join(at('anna'), file))).mode & 0o777, file).toBe(0o600);
    }
    expect(await readdir(at('anna'))).toEqual(['keys.json', 'phone.json']);
    expect(JSON.parse((await readFile(join(at('anna'), 'phone.json'), 'utf8')) || '{}')).toMatchObject({ format: 1 });
  });

  it('never makes a phone where there is one, damaged or not', async ({ expect }) => {
    await init('anna');
    const before = await contents('anna');
    expect(await init('anna')).toMatchObject({ code: 1, out: '' });
    expect(await contents('anna')).toEqual(before);
    await writeFile(join(at('anna'), 'phone.json'), '{');
    expect((await init('anna')).err).toContain('has a phone already');
  });

  it.for([
    { name: 'without pins', args: ['--url', NOWHERE] },
    { name: 'with an address that is none', args: ['--pins', 'PINS', '--url', 'example.org'] },
    { name: 'with a path in the address', args: ['--pins', 'PINS', '--url', 'https://example.org/keys'] },
    { name: 'with a region that is none', args: ['--pins', 'PINS', '--region', 'germany'] },
    { name: 'with an option of another command', args: ['--pins', 'PINS', '--minutes', '3'] },
  ])('$name is called wrongly, and leaves nothing', async ({ args }, { expect }) => {
    const given = args.map((arg) => (arg === 'PINS' ? pins : arg));
    expect(await phone('init', at('anna'), ...given)).toMatchObject({ code: 2, out: '' });
    expect(await readdir(here)).toEqual([]);
  });

  it('without the keys to pin ends with 3, and leaves no phone', async ({ expect }) => {
    expect(await phone('init', at('anna'), '--pins', here)).toMatchObject({ code: 3, out: '' });
    expect(await init('anna')).toMatchObject({ code: 0 });
  });
});

describe('phone withdraw', () => {
  it('without a server loses nothing, and says that it is told again', async ({ expect }) => {
    await init('anna');
    const secret = { keyData: { $bytes: 'AAAAAAAAAAAAAAAAAAAAAA==' }, secret: { $bytes: 'AAAA' }, until: 9e9 };
    await writeFile(join(at('anna'), 'secrets.json'), JSON.stringify([secret]), { mode: 0o600 });
    const { code, out } = await phone('withdraw', at('anna'), '--json');
    expect([code, JSON.parse(out)]).toMatchObject([1, { refused: true, error: 'try-again' }]);
    const kept: unknown = JSON.parse(await readFile(join(at('anna'), 'secrets.json'), 'utf8'));
    expect(kept).toEqual([{ ...secret, asked: { failures: 1, at: expect.any(Number) } }]);
  });

  it('names a file that is damaged, and writes nothing over it', async ({ expect }) => {
    await init('anna');
    await writeFile(join(at('anna'), 'secrets.json'), '[{"secret":1}]', { mode: 0o600 });
    const { code, err } = await phone('withdraw', at('anna'));
    expect([code, err]).toEqual([3, expect.stringContaining('secrets.json is damaged')]);
    expect(await readFile(join(at('anna'), 'secrets.json'), 'utf8')).toBe('[{"secret":1}]');
  });
});

describe('phone meet', () => {
  it('is a simulation, and says so; each hears the other, for as long as it lasted', async ({ expect }) => {
    await init('anna');
    await init('ben');
    const met = await phone('meet', at('anna'), at('ben'), '--minutes', '17');
    expect([met.code, met.out]).toEqual([0, expect.stringContaining('simulated Bluetooth')]);
    for (const name of ['anna', 'ben']) {
      const { out } = await phone('status', at(name), '--json');
      // Every five minutes a scan, and one at the end.
      expect(JSON.parse(out)).toMatchObject({ sightings: 4, met: 0, test: 'none', risk: null });
    }
  });

  it.for(['0', '1.5', '1441', 'long'])('for %s minutes is called wrongly', async (minutes, { expect }) => {
    await init('anna');
    await init('ben');
    const { code, err } = await phone('meet', at('anna'), at('ben'), '--minutes', minutes);
    expect([code, err]).toEqual([2, expect.stringContaining(`"${minutes}" must be a whole number, 1..1440`)]);
  });

  it('is refused to a phone alone, however it is spelled', async ({ expect }) => {
    await init('anna');
    expect((await phone('meet', at('anna'), at('anna'))).code).toBe(2);
    expect((await phone('meet', at('anna'), `${at('ben')}/../anna`)).code).toBe(2);
  });
});

describe('what a person may get wrong', () => {
  it.for([
    { args: ['scan', 'hello'], says: 'does not belong to a test' },
    { args: ['type', 'ABC'], says: '10 or 15 characters' },
    { args: ['type', 'ABCDEFGHJK'], says: 'compare it once more' },
    { args: ['share', '--symptoms', 'some'], says: 'must be one of' },
  ])('$args is answered before anything is sent', async ({ args: [command = '', ...rest], says }, { expect }) => {
    await init('anna');
    const { code, err } = await phone(command, at('anna'), ...rest);
    expect([code, err]).toEqual([2, expect.stringContaining(says)]);
  });

  it.for(['poll', 'share'])('%s without a test', async (command, { expect }) => {
    await init('anna');
    expect(await phone(command, at('anna'))).toMatchObject({ code: 1, err: expect.stringContaining('no test runs') });
  });

  it('a server that isn’t there: the scan is kept, and what the phone had', async ({ expect }) => {
    await init('anna');
    const scan = () =>
      phone('scan', at('anna'), 'https://localhost/?3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB', '--json');
    const { code, out } = await scan();
    expect([code, JSON.parse(out)]).toEqual([1, { refused: true, error: 'try-again', reason: expect.any(String) }]);
    expect((await phone('status', at('anna'))).out).toContain('1 scanned without an answer');
    expect(await phone('poll', at('anna'))).toMatchObject({ code: 1, err: expect.stringContaining('no answer') });
    expect(await phone('sync', at('anna'))).toMatchObject({ code: 1, err: expect.stringContaining('no answer') });
    expect(await phone('forget', at('anna'))).toMatchObject({ code: 0 });
    expect((await phone('status', at('anna'))).out).toContain('test      none\n');
  });
});

describe('a directory that is no phone of this program', () => {
  const COMMANDS = ['scan', 'type', 'poll', 'share', 'sync', 'status', 'forget'];
  const call = (command: string) => {
    const text = { scan: ['https://localhost/?3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB'], type: ['234567892D'] }[
      command
    ];
    return phone(command, at('anna'), ...(text ?? []));
  };

  it.for(['keys', 'sightings', 'test', 'symptoms', 'download', 'matches', 'parameters', 'phone'])(
    'with a damaged %s.json is named by every command, and not written over',
    async (name, { expect }) => {
      await init('anna');
      await writeFile(join(at('anna'), `${name}.json`), '{"half":');
      const before = await contents('anna');
      for (const command of COMMANDS) {
        const { code, err } = await call(command);
        expect([command, code, err]).toEqual([command, 3, expect.stringContaining(`${name}.json is damaged`)]);
      }
      expect(await contents('anna')).toEqual(before);
    },
  );

  it('but of another format is named, and left as it is', async ({ expect }) => {
    await init('anna');
    await writeFile(join(at('anna'), 'phone.json'), '{"format":2,"unheard":true}');
    const before = await contents('anna');
    expect((await call('sync')).err).toContain('is a phone of format 2, this program knows format 1');
    expect(await contents('anna')).toEqual(before);
  });

  it('is not made one by asking', async ({ expect }) => {
    for (const command of ['poll', 'status', 'sync']) expect((await call(command)).code).toBe(3);
    expect(await readdir(here)).toEqual([]);
  });
});

describe('a clock that ran ahead', () => {
  it('takes neither own keys nor encounters from the phone; what is older counts nowhere meanwhile', async ({
    expect,
  }) => {
    await init('anna');
    await init('ben');
    await phone('meet', at('anna'), at('ben'));
    const status = async () => JSON.parse((await phone('status', at('ben'), '--json')).out) as Record<string, number>;
    const before = await status();
    const keys = await readFile(join(at('ben'), 'keys.json'), 'utf8');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 20 * 86_400_000 });
    try {
      expect(await status()).toMatchObject({ keys: 1, sightings: 0 });
      expect((await phone('meet', at('anna'), at('ben'))).code).toBe(0);
    } finally {
      vi.useRealTimers();
    }
    expect(await status()).toMatchObject({ sightings: 8 });
    const after = JSON.parse(await readFile(join(at('ben'), 'keys.json'), 'utf8')) as unknown[];
    expect(after).toEqual(expect.arrayContaining(JSON.parse(keys) as unknown[]));
    expect(before['sightings']).toBe(4);
  });
});

describe('two commands at once', () => {
  it('do not touch one phone: the second is told who is at work', async ({ expect }) => {
    await init('anna');
    await writeFile(join(at('anna'), 'lock'), String(process.pid));
    const { code, err } = await phone('status', at('anna'));
    expect([code, err]).toEqual([1, expect.stringContaining(`process ${process.pid}`)]);
    expect(await readdir(at('anna'))).toEqual(['keys.json', 'lock', 'phone.json']);
  });

  it('of which one was killed: the other goes on', async ({ expect }) => {
    await init('anna');
    const gone = spawn('true');
    await once(gone, 'exit');
    await writeFile(join(at('anna'), 'lock'), String(gone.pid));
    expect((await phone('status', at('anna'))).code).toBe(0);
    expect(await readdir(at('anna'))).toEqual(['keys.json', 'phone.json']);
  });

  it('of which both meet: who comes second is refused, and both phones are whole', async ({ expect }) => {
    await init('anna');
    await init('ben');
    const meet = (a: string, b: string) => phone('meet', at(a), at(b));
    const codes = (await Promise.all([meet('anna', 'ben'), meet('ben', 'anna')])).map(({ code }) => code);
    // Whoever came while the other was at work was refused; nobody's four sightings are lost.
    const done = codes.filter((code) => code === 0).length;
    expect(codes.filter((code) => code === 1).length).toBe(2 - done);
    const { out } = await phone('status', at('ben'), '--json');
    expect(JSON.parse(out)).toMatchObject({ sightings: 4 * done });
    expect(done).toBeGreaterThan(0);
    await cp(at('ben'), at('copy'), { recursive: true });
    expect((await phone('status', at('copy'))).code).toBe(0);
  });
});
