/**
 * @module A professional's card in workerd: certificates and lists of a test authority, the real StaffRoom, and the many that
 * open nothing. Faults of paths: protocol/certificates/path.test.ts; of lists: revocation-list.workerd.test.ts.
 */
import { env } from 'cloudflare:workers';
import { beforeAll, describe, it } from 'vitest';
import type { ListFacts } from '../../durable-objects/staff-room/authority-ops.ts';
import type { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import {
  type CertificateSubject,
  issueCertificate,
  type TestCertificate,
  withNegatedS,
} from '../../test/support/certificate-authority.ts';
import { type Certificate, marksOf, readCertificate, serialMark } from '../../protocol/certificates/certificate.ts';
import { NO_CLIENT, requestWith, type TlsClientAuth, verifiedClient } from '../shared/certificates/verified-client.ts';
import { parsePortalConfig } from './bindings.ts';
import { certificateIdentity } from './certificate-identity.ts';
import { ENV } from './test-rig.ts';

const rooms = (env as unknown as { STAFF_ROOM: DurableObjectNamespace<StaffRoom> }).STAFF_ROOM;
/** The object's own clock is the real one. */
const NOW = Math.floor(Date.now() / 1000);
const AUTHORITY = { authority: true, notBefore: NOW - 600 };
const CARD = {
  name: 'CN=Dr. A. Jansen, SERIALNUMBER=900012345, O=Practice of nobody, OU=hotline',
  notBefore: NOW - 60,
} satisfies CertificateSubject;

let root: TestCertificate;
let between: TestCertificate;
beforeAll(async () => {
  root = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
  between = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2026' }, root);
});

function read({ certificate }: TestCertificate): Certificate {
  const found = readCertificate(new Uint8Array(certificate.rawData));
  if (found === null) throw new Error('no certificate');
  return found;
}

let objects = 0;

/** A portal with an object of its own: both authorities have a fresh list, Dr. Jansen is on ours. */
class Portal {
  readonly room = rooms.getByName(`cards ${++objects}`);
  #number = 0;

  async open(): Promise<this> {
    for (const authority of [root, between]) await this.bring(authority);
    await this.list();
    return this;
  }

  /** A list of what an authority revoked comes into force. */
  async bring(authority: TestCertificate, revoked: readonly string[] = [], given: Partial<ListFacts> = {}) {
    const { publicKey, subject, subjectText } = read(authority);
    const facts: ListFacts = {
      authority: publicKey,
      name: subjectText,
      nameHash: subject,
      number: String(++this.#number).padStart(40, '0'),
      thisUpdate: NOW - 60,
      nextUpdate: NOW + 3600,
      entries: revoked.length,
      ...given,
    };
    const generation = await this.room.beginList(facts);
    if (generation === null) return false;
    await this.room.addSerials(generation, revoked);
    return this.room.finishList(generation, facts);
  }

  list(given: { authority?: TestCertificate; holderId?: string; roles?: string[]; person?: string } = {}) {
    const { authority = between, holderId = '900012345', roles = ['provider'], person = '' } = given;
    return this.room.setHolders([
      { authority: read(authority).publicKey, holderId, roles, provider: 'Practice Gouda', person },
    ]);
  }

  async ask(auth: TlsClientAuth, given: { headers?: Record<string, string>; roots?: string } = {}) {
    const { headers = {}, roots = root.certificate.toString('pem') } = given;
    return certificateIdentity({
      request: requestWith(auth, 'https://portal.example/staff', { headers }),
      access: undefined,
      config: parsePortalConfig({ ...ENV, STAFF_ROOTS: roots }),
      now: NOW,
      checkCard: async (question) => this.room.checkCard(question),
    });
  }
}

const card = (subject: Partial<CertificateSubject> = {}, issuer = between): Promise<TestCertificate> =>
  issueCertificate({ ...CARD, ...subject }, issuer);
const shown = async (subject: Partial<CertificateSubject> = {}, issuer = between): Promise<TlsClientAuth> =>
  verifiedClient(await card(subject, issuer), [between]);

describe('a card', () => {
  it('says who; our list says for which provider and with which role, never O or OU', async ({ expect }) => {
    const portal = await new Portal().open();
    expect(await portal.ask(await shown())).toEqual({
      subject: `card:${read(between).publicKey.slice(0, 16)}:900012345`,
      person: `card:${read(between).publicKey.slice(0, 16)}:900012345`,
      roles: ['provider'],
      provider: 'Practice Gouda',
      authenticatedAt: null,
      signInAgain: null,
    });
    await portal.list({ person: 'anna@example.org' });
    // With a sign-in or another card, still one person.
    expect(await portal.ask(await shown())).toMatchObject({ person: 'anna@example.org' });
    await portal.list({ roles: ['operator', 'auditor', 'hotline'] });
    expect(await portal.ask(await shown())).toMatchObject({ roles: ['hotline'] });
  });

  it('of somebody who is not on the list, or of the same number at another authority, opens nothing', async ({
    expect,
  }) => {
    const portal = await new Portal().open();
    expect(await portal.ask(await shown({ name: 'CN=B, SERIALNUMBER=2, O=Practice, OU=provider' }))).toBeNull();
    expect(await portal.ask(await shown({}, root))).toBeNull();
    await portal.list({ authority: root });
    expect((await portal.ask(await shown({}, root)))?.subject).toMatch(/^card:[0-9a-f]{16}:900012345$/);
    await portal.room.removeHolder(`card:${read(between).publicKey.slice(0, 16)}:900012345`);
    expect(await portal.ask(await shown())).toBeNull();
  });

  it('that was blocked opens nothing, with its s negated either', async ({ expect }) => {
    const leaf = await card();
    const portal = await new Portal().open();
    const [original, negated] = [verifiedClient(leaf, [between]), verifiedClient(withNegatedS(leaf), [between])];
    expect(await portal.ask(negated)).toEqual(await portal.ask(original));
    await portal.room.block(marksOf(read(leaf)));
    expect([await portal.ask(original), await portal.ask(negated)]).toEqual([null, null]);
    expect(await portal.ask(await shown())).not.toBeNull();
  });

  it.for<[name: string, mark: (leaf: Certificate) => string | undefined]>([
    ['its issuer and serial number', (leaf) => serialMark(leaf.issuer, leaf.serial)],
    ['its key', (leaf) => marksOf(leaf)[1]],
    ['the fingerprint it was blocked by in the first version', (leaf) => `fingerprint:${hex(leaf)}`],
    ['the serial number of its authority', () => marksOf(read(between))[0]],
    ['the key of its authority', () => marksOf(read(between))[1]],
    ['the key of the root', () => marksOf(read(root))[1]],
  ])('is blocked by %s alone', async ([, mark], { expect }) => {
    const leaf = await card();
    const portal = await new Portal().open();
    await portal.room.block([mark(read(leaf)) ?? '']);
    expect(await portal.ask(verifiedClient(leaf, [between]))).toBeNull();
  });

  it('whose key was blocked does not come back in a new certificate', async ({ expect }) => {
    const [leaf, portal] = [await card(), await new Portal().open()];
    await portal.room.block(marksOf(read(leaf)));
    expect(await portal.ask(await shown({ keys: leaf.keys }))).toBeNull();
  });

  it('whose sessions an operator ended is kept out, without the cookie too, until it is let in again', async ({
    expect,
  }) => {
    const portal = await new Portal().open();
    const subject = (await portal.ask(await shown()))?.subject ?? '';
    await portal.room.revoke(subject);
    expect(await portal.ask(await shown())).toBeNull();
    await portal.list();
    expect(await portal.ask(await shown())).toBeNull();
    await portal.room.readmit(subject);
    expect((await portal.ask(await shown()))?.subject).toBe(subject);
  });
});

const hex = ({ x509 }: Certificate): string => x509.fingerprint256.replaceAll(':', '').toLowerCase();

describe('revocation', () => {
  it('by the authority ends a card, and that of the authority all of its cards', async ({ expect }) => {
    const [leaf, other, portal] = [await card(), await card(), await new Portal().open()];
    await portal.bring(between, ['01', read(leaf).serial]);
    expect(await portal.ask(verifiedClient(leaf, [between]))).toBeNull();
    expect(await portal.ask(verifiedClient(withNegatedS(leaf), [between]))).toBeNull();
    expect(await portal.ask(verifiedClient(other, [between]))).not.toBeNull();
    await portal.bring(root, [read(between).serial]);
    expect(await portal.ask(verifiedClient(other, [between]))).toBeNull();
  });

  it.for(['the card', 'its authority'])(
    'that can no longer be asked about closes the door: the list of %s',
    async (of, { expect }) => {
      const portal = await new Portal().open();
      const authority = of === 'the card' ? between : root;
      await portal.bring(authority, [], { nextUpdate: NOW - 1 });
      expect(await portal.ask(await shown())).toBeNull();
      await portal.bring(authority);
      expect(await portal.ask(await shown())).not.toBeNull();
    },
  );

  it('was never heard of: no card of that authority is let in', async ({ expect }) => {
    const portal = new Portal();
    await portal.list();
    await portal.bring(root);
    expect(await portal.ask(await shown())).toBeNull();
  });

  it('an older list never replaces a newer one, and one that was begun alone changes nothing', async ({ expect }) => {
    const [leaf, portal] = [await card(), await new Portal().open()];
    await portal.bring(between, [read(leaf).serial], { number: '9'.padStart(40, '0') });
    for (const number of ['8', '9']) {
      expect(await portal.bring(between, [], { number: number.padStart(40, '0') })).toBe(false);
    }
    const newer = { number: 'a'.padStart(40, '0') };
    expect(await portal.bring(between, [], { ...newer, thisUpdate: NOW - 120 })).toBe(false);
    const facts = (await portal.room.authorities()).find(({ authority }) => authority === read(between).publicKey);
    const generation = await portal.room.beginList({ ...facts!, ...newer });
    expect(generation).not.toBeNull();
    expect(await portal.ask(verifiedClient(leaf, [between]))).toBeNull();
  });
});

describe('nobody is let in by', () => {
  it.for<[name: string, make: (auth: TlsClientAuth) => unknown]>([
    ['one that the platform has not verified', (auth) => ({ ...auth, certVerified: 'NONE' })],
    ['one whose verification failed', (auth) => ({ ...auth, certVerified: 'FAILED:certificate has expired' })],
    ['one that the platform knows as revoked', (auth) => ({ ...auth, certRevoked: '1' })],
    ['one of which nothing is said about revocation', (auth) => ({ ...auth, certRevoked: '' })],
    ['none', () => NO_CLIENT],
    ['no bytes', (auth) => ({ ...auth, certRFC9440: '' })],
    ['bytes that are no certificate', (auth) => ({ ...auth, certRFC9440: ':AAAA:' })],
    ['one that was too large to be handed over', (auth) => ({ ...auth, certRFC9440TooLarge: true })],
    ['one whose authorities were too large', (auth) => ({ ...auth, certChainRFC9440TooLarge: true })],
    ['one without its authority', (auth) => ({ ...auth, certChainRFC9440: '' })],
    ['nothing at all', () => undefined],
  ])('%s', async ([, make], { expect }) => {
    const portal = await new Portal().open();
    const auth = await shown();
    expect(await portal.ask(auth)).not.toBeNull();
    expect(await portal.ask(make(auth) as TlsClientAuth)).toBeNull();
  });

  it.for<[name: string, subject: string]>([
    ['without a number', 'CN=A, O=Practice, OU=provider'],
    ['with two', 'CN=A, SERIALNUMBER=900012345, SERIALNUMBER=900012345'],
    ['with one inside another field', 'CN=A\nserialNumber=900012345, O=Practice'],
    ['with a line break in it', 'SERIALNUMBER=900012345\nx'],
  ])('a subject %s', async ([, name], { expect }) => {
    expect(await (await new Portal().open()).ask(await shown({ name }))).toBeNull();
  });

  it('a header, whatever it says', async ({ expect }) => {
    const { certRFC9440 } = await shown();
    const headers = {
      'client-cert': certRFC9440,
      'cf-client-cert-der-base64': certRFC9440,
      'x-cert-verified': 'SUCCESS',
    };
    expect(await (await new Portal().open()).ask(NO_CLIENT, { headers })).toBeNull();
  });

  it('an authority of the same root, where only another one of it is trusted', async ({ expect }) => {
    const portal = await new Portal().open();
    const other = await issueCertificate({ ...AUTHORITY, name: 'CN=Others' }, root);
    const roots = between.certificate.toString('pem');
    expect(await portal.ask(await shown(), { roots })).not.toBeNull();
    expect(await portal.ask(verifiedClient(await card({}, other), [other]), { roots })).toBeNull();
  });

  it('any certificate where no root is configured; a root that is none is refused loudly', async ({ expect }) => {
    const portal = await new Portal().open();
    expect(await portal.ask(await shown(), { roots: '' })).toBeNull();
    const weak = await issueCertificate({ ...AUTHORITY, name: 'CN=Root', hash: 'SHA-1' }, null);
    const pems = [await card(), weak].map(({ certificate }) => certificate.toString('pem'));
    for (const roots of ['nonsense', ...pems]) {
      await expect(portal.ask(await shown(), { roots })).rejects.toThrow(/STAFF_ROOTS/);
    }
  });
});
