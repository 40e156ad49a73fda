/**
 * @module The staff session of a request: opened or gone on with in StaffRoom, its cookie, and the token that each of its
 * forms carries. The cookie is random; its hash is stored, and the form's token is another hash of it, so neither the
 * store nor a page leads to the cookie.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { toBase64Url, toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { SessionReply } from '../../durable-objects/staff-room/session-ops.ts';
import type { Staff } from './staff-context.ts';
import { languageOf } from './texts/texts.ts';

/** `__Host-`: set by this host over TLS for every path, and no sibling host can overwrite it. */
const SESSION_COOKIE = '__Host-staff';
const COOKIE_BYTES = 32;
const COOKIE = /^[A-Za-z0-9_-]{43}$/;

const hashOf = (purpose: string, cookie: string): Uint8Array => sha256(utf8(`exposure-edge/${purpose}/v1\0${cookie}`));

/** @returns what StaffRoom knows a session by */
const sessionHash = (cookie: string): string => toHex(hashOf('staff-session', cookie));

/** @returns what the forms of a session carry */
const csrfToken = (cookie: string): string => toBase64Url(hashOf('staff-form', cookie));

/**
 * @param once the token of one form
 * @returns the order of codes that this form of this session is (decision 033): 64 hex digits that only the cookie leads to
 */
const orderOf = (cookie: string, once: string): string => toHex(hashOf('staff-order', `${cookie}\0${once}`));

/** @returns what StaffRoom knows a form of a session by */
const formName = (cookie: string, once: string): string => toHex(hashOf('staff-form-once', `${cookie}\0${once}`));

/** @returns whether a form's token is the session's; takes as long whatever is wrong with it */
export function sameToken(given: string, wanted: string): boolean {
  const [a, b] = [utf8(given), utf8(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Opens the session of `c.var.identity`. @returns how that went; `open` and `begun` have set `c.var.session` */
export async function openSession(c: Context<Staff>): Promise<SessionReply['kind']> {
  const given = getCookie(c, SESSION_COOKIE) ?? '';
  const fresh = toBase64Url(crypto.getRandomValues(new Uint8Array(COOKIE_BYTES)));
  const { subject, authenticatedAt } = c.var.identity;
  const idHash = COOKIE.test(given) ? sessionHash(given) : null;
  const reply = await c.var.room.open({ idHash, subject, authenticatedAt, newIdHash: sessionHash(fresh) });
  if (reply.kind === 'ended' || reply.kind === 'many') return reply.kind;
  if (reply.kind === 'begun') {
    setCookie(c, SESSION_COOKIE, fresh, { path: '/', secure: true, httpOnly: true, sameSite: 'Strict' });
  }
  const cookie = reply.kind === 'begun' ? fresh : given;
  c.set('session', {
    idHash: sessionHash(cookie),
    csrf: csrfToken(cookie),
    language: languageOf(reply.language),
    formName: (once) => formName(cookie, once),
    orderOf: (once) => orderOf(cookie, once),
  });
  return reply.kind;
}
