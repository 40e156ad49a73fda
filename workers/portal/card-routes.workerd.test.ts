/**
 * @module Cards from the operator's command to the professional's page, in workerd: lists of revoked certificates and holders
 * are brought over HTTP, and the deployed identity lets the card in, or not.
 */
import { createExecutionContext } from 'cloudflare:test';
import { beforeAll, describe, it } from 'vitest';
import {
  issueCertificate,
  issueRevocationList,
  type TestCertificate,
  withNegatedS,
} from '../../test/support/certificate-authority.ts';
import { readCertificate } from '../../protocol/certificates/certificate.ts';
import { requestWith, verifiedClient } from '../shared/certificates/verified-client.ts';
import { createApp } from './app.ts';
import { identifyStaff } from './identity.ts';
import type { PortalEnv } from './bindings.ts';
import { Browser, ENV } from './test-rig.ts';

const NOW = Math.floor(Date.now() / 1000);
const AUTHORITY = { authority: true, notBefore: NOW - 600 };

let root: TestCertificate;
let between: TestCertificate;
let bindings: PortalEnv;
let operator: Browser;
beforeAll(async () => {
  root = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
  between = await issueCertificate({ ...AUTHORITY, name: 'CN=Cards 2026' }, root);
  bindings = { ...ENV, STAFF_ROOTS: root.certificate.toString('pem') };
  operator = new Browser({ subject: 'cards@example.org', roles: ['operator'] }, { bindings, now: () => NOW });
});

const pem = ({ certificate }: TestCertificate): string => certificate.toString('pem');
const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));
const keyOf = ({ certificate }: TestCertificate): string =>
  readCertificate(new Uint8Array(certificate.rawData))?.publicKey ?? '';
const issueCard = (number: string): Promise<TestCertificate> =>
  issueCertificate({ name: `CN=A, SERIALNUMBER=${number}, OU=operator`, notBefore: NOW - 60 }, between);

async function give(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await operator.send(`/operator/cards/${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** What the portal answers to a card, as it is deployed. */
async function enter(leaf: TestCertificate | Uint8Array): Promise<number> {
  const app = createApp({ identify: identifyStaff, clock: () => NOW });
  const request = requestWith(verifiedClient(leaf, [between]), 'https://portal.example/staff');
  return (await app.fetch(request, bindings, createExecutionContext())).status;
}

let number = 0;
async function bringLists(revoked: readonly string[] = []): Promise<void> {
  number += 1;
  for (const [authority, serials] of [
    [root, []],
    [between, revoked],
  ] as const) {
    const list = await issueRevocationList({ thisUpdate: NOW - 60, number, revoked: serials }, authority);
    const command = { list: base64(list), authority: authority === root ? null : pem(authority) };
    const { status } = await give('list', command);
    if (status !== 201) throw new Error(`list: ${status}`);
  }
}

describe('a card', () => {
  it('comes in once its authorities’ lists and its holder were brought, and no longer when it is revoked', async ({
    expect,
  }) => {
    const card = await issueCard('1');
    const holders = [
      { authority: keyOf(between), holderId: '1', roles: ['provider'], provider: 'Practice, Gouda', person: '' },
    ];
    expect((await give('holders', { holders })).status).toBe(409);
    await bringLists();
    expect(await enter(card)).toBe(403);
    expect((await give('holders', { holders })).status).toBe(201);
    expect(await enter(card)).toBe(200);
    await bringLists([card.certificate.serialNumber]);
    expect(await enter(card)).toBe(403);
  });

  it('is blocked by its PEM in the portal, and its s negated does not bring it back', async ({ expect }) => {
    const card = await issueCard('2');
    await bringLists();
    const holders = [{ authority: keyOf(between), holderId: '2', roles: [], provider: 'Practice', person: '' }];
    await give('holders', { holders });
    const files = [card, withNegatedS(card)];
    expect(await Promise.all(files.map(enter))).toEqual([200, 200]);
    const called: unknown[] = [];
    const LABORATORY = {
      ...ENV.LABORATORY,
      blockCertificate: async (marks: readonly string[]) => void called.push(marks),
    };
    const other = new Browser(
      { subject: 'blocks@example.org', roles: ['operator'] },
      { bindings: { ...bindings, LABORATORY }, now: () => NOW },
    );
    const answer = await other.post('/staff/sessions/certificate', { pem: pem(card) });
    const [, marks = ''] = /(serial:[0-9a-f]{64}:[0-9a-f]+)/.exec(await answer.text()) ?? [];
    expect(called).toEqual([[marks, `key:${keyOf(card)}`]]);
    expect(await Promise.all(files.map(enter))).toEqual([403, 403]);
  });

  it('is blocked by the serial number of its authority, and by command', async ({ expect }) => {
    const [first, second] = [await issueCard('3'), await issueCard('3')];
    await bringLists();
    await give('holders', {
      holders: [{ authority: keyOf(between), holderId: '3', roles: [], provider: 'Practice', person: '' }],
    });
    const serial = (first.certificate.serialNumber.match(/../g) ?? []).join(':').toUpperCase();
    const form = { authority: keyOf(between), serial };
    expect((await operator.post('/staff/sessions/certificate', form)).status).toBe(200);
    expect([await enter(first), await enter(second)]).toEqual([403, 200]);
    expect((await give('block', { certificate: pem(second) })).status).toBe(201);
    expect(await enter(second)).toBe(403);
  });

  it('is put on the list, kept out by ending its sessions, let in again and removed on the pages', async ({
    expect,
  }) => {
    const card = await issueCard('4');
    await bringLists();
    const who = { provider: 'Practice', person: 'Dora@example.org', 'role-provider': 'yes' };
    const fields = { authority: keyOf(between), holderId: '4', ...who };
    const page = await (await operator.post('/staff/holders', fields)).text();
    const subject = `card:${keyOf(between).slice(0, 16)}:4`;
    expect(page).toContain(subject);
    expect(page).toContain('dora@example.org');
    expect(await enter(card)).toBe(200);
    const after = [
      ['sessions/revoke', 403],
      ['holders/readmit', 401],
      ['holders/remove', 403],
    ] as const;
    for (const [path, status] of after) {
      expect((await operator.post(`/staff/${path}`, { subject })).status).toBe(200);
      expect([path, await enter(card)]).toEqual([path, status]);
    }
    const { entries } = await ENV.STAFF_ROOM.getByName('room').search({
      text: subject,
      from: null,
      to: null,
      before: null,
    });
    expect(entries.map(({ what }) => what)).toEqual([
      'cards.holder-removed',
      'cards.readmit',
      'session.revoke',
      'cards.holder',
    ]);
  });
});

describe('a list', () => {
  it('of 2,500 certificates is in force whole, is told with its end, and an older one is not taken', async ({
    expect,
  }) => {
    number += 1;
    const revoked = Array.from({ length: 2_500 }, (_, i) => (i + 4096).toString(16));
    const list = await issueRevocationList({ thisUpdate: NOW - 60, nextUpdate: NOW + 60, number, revoked }, root);
    const command = { list: base64(list), authority: pem(root) };
    expect(await give('list', command)).toEqual({ status: 201, body: { authority: keyOf(root), entries: 2_500 } });
    expect((await give('list', command)).status).toBe(409);
    const { authorities } = await (
      await operator.send('/operator/cards/authorities')
    ).json<{ authorities: object[] }>();
    expect(authorities).toContainEqual(
      expect.objectContaining({ name: 'CN=Root of professionals', entries: 2_500, nextUpdate: NOW + 60, stale: false }),
    );
    const later = new Browser({ subject: 'later@example.org', roles: ['operator'] }, { bindings, now: () => NOW + 60 });
    expect(await (await later.send('/staff/status')).text()).toContain('Cards of CN=Root of professionals are refused');
    expect(await (await later.send('/staff/holders')).text()).toContain('past its end');
  });

  it('is refused by a named rule: a stranger’s, an expired one, of an authority that is none of ours', async ({
    expect,
  }) => {
    const stranger = await issueCertificate({ ...AUTHORITY, name: 'CN=Root of professionals' }, null);
    const rule = async (signer: TestCertificate, authority: string | null, nextUpdate = NOW + 60) => {
      const list = await issueRevocationList({ thisUpdate: NOW - 60, nextUpdate, number: 99 }, signer);
      const { status, body } = await give('list', { list: base64(list), authority });
      return [status, (body as { detail?: string }).detail];
    };
    expect(await rule(stranger, null)).toEqual([422, 'The list is refused: signature.']);
    expect(await rule(stranger, pem(stranger))).toEqual([422, 'The list is refused: authority: no-path.']);
    expect(await rule(root, null, NOW)).toEqual([422, 'The list is refused: time.']);
    expect(await rule(between, null)).toEqual([422, 'The list is refused: issuer.']);
  });
});

describe('commands about cards are refused', () => {
  it.for<[name: string, path: string, body: unknown]>([
    ['no list', 'list', {}],
    ['a list that is no base64', 'list', { list: '*' }],
    ['an authority that is none', 'list', { list: 'AAAA', authority: 'x' }],
    ['another field', 'list', { list: 'AAAA', url: 'https://x.example' }],
    ['no holders', 'holders', { holders: [] }],
    ['101 holders', 'holders', { holders: Array.from({ length: 101 }, () => ({})) }],
    [
      'a role that no card has',
      'holders',
      { holders: [{ authority: 'ab'.repeat(32), holderId: '1', roles: ['operator'], provider: 'p', person: '' }] },
    ],
    [
      'a person who is no address',
      'holders',
      { holders: [{ authority: 'ab'.repeat(32), holderId: '1', roles: [], provider: 'p', person: 'dora' }] },
    ],
    [
      'nothing about the person',
      'holders',
      { holders: [{ authority: 'ab'.repeat(32), holderId: '1', roles: [], provider: 'p' }] },
    ],
    ['a subject that is no card', 'holders/remove', { subject: 'anna@example.org' }],
    ['no certificate', 'block', { certificate: 'x' }],
  ])('%s', async ([, path, body], { expect }) => {
    expect((await give(path, body)).status).toBe(400);
  });

  it('from anybody but an operator', async ({ expect }) => {
    const other = new Browser({ subject: 'ha@example.org', roles: ['health-authority', 'lab-admin'] }, { bindings });
    for (const path of ['authorities', 'holders'])
      expect((await other.send(`/operator/cards/${path}`)).status).toBe(403);
    const headers = { 'content-type': 'application/json' };
    expect((await other.send('/operator/cards/holders', { method: 'POST', headers, body: '{}' })).status).toBe(403);
  });
});
