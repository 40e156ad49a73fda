/**
 * @module `portal` with the local clock and simulated identities: deployed, Cloudflare Access or a card says who is asking;
 * on a loopback port nobody stands in front. So operator commands come from `local-operator`, and whoever opens a staff
 * page chooses a name and roles at `/staff/local-identity`, which exists here alone. `POST /local/teletan` stands for a call to the
 * hotline, so that a story can be typed without a browser.
 */
import { StaffRoom as DeployedStaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import { createApp } from '../../workers/portal/app.ts';
import { scheduled } from '../../workers/portal/clocks.ts';
import type { PortalEnv } from '../../workers/portal/bindings.ts';
import type { Identify } from '../../workers/portal/identity-source.ts';
import { ROLES, rolesAmong } from '../../workers/portal/roles.ts';
import { atLocalTime, clock, secondClock } from './local-clock.ts';

/** The deployed object, asking the local clock. */
export class StaffRoom extends DeployedStaffRoom {
  protected override clock = clock;
  protected override secondClock = secondClock;
  protected override commandsPerMinute = Number.POSITIVE_INFINITY;
}

const CHOOSER = '/staff/local-identity';
const COOKIE = 'local-identity';

interface Chosen {
  readonly name: string;
  readonly roles: readonly string[];
  readonly provider: string;
  readonly at: number;
}

function chosenIn(request: Request): Chosen | null {
  const value = new RegExp(`${COOKIE}=([^;]+)`).exec(request.headers.get('cookie') ?? '')?.[1];
  return value === undefined ? null : (JSON.parse(decodeURIComponent(value)) as Chosen);
}

const identify: Identify = async ({ request }) => {
  const chosen = chosenIn(request);
  if (chosen === null) {
    const subject = 'local-operator';
    return {
      subject,
      person: subject,
      roles: ['operator'],
      provider: subject,
      authenticatedAt: null,
      signInAgain: CHOOSER,
    };
  }
  return {
    subject: chosen.name,
    person: chosen.name.toLowerCase(),
    roles: rolesAmong(chosen.roles),
    provider: chosen.provider || chosen.name,
    authenticatedAt: chosen.at,
    signInAgain: CHOOSER,
  };
};

const chooserPage = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Local identity</title>
<h1>Who are you?</h1><p>Local mode only: deployed, Cloudflare Access or a professional's card says so.</p>
<form method="post"><p><label>Name <input name="name" required value="anna@example.org" maxlength="100"></label></p>
<p><label>Provider <input name="provider" maxlength="100" value="Practice Example"></label></p>
${ROLES.map((role) => `<p><label><input type="checkbox" name="roles" value="${role}"> ${role}</label></p>`).join('')}
<button>Sign in</button></form></html>`;

async function choose(request: Request): Promise<Response> {
  if (request.method !== 'POST') {
    return new Response(chooserPage, { headers: { 'content-type': 'text/html; charset=utf-8' } });
  }
  const form = new URLSearchParams(await request.text());
  const [name, provider] = [form.get('name') ?? '', form.get('provider') ?? ''];
  const chosen: Chosen = { name, roles: form.getAll('roles'), provider, at: Math.floor(await clock()) };
  const cookie = `${COOKIE}=${encodeURIComponent(JSON.stringify(chosen))}; Path=/; HttpOnly; SameSite=Strict`;
  return new Response(null, { status: 303, headers: { location: '/staff', 'set-cookie': cookie } });
}

const HOTLINE_PATH = '/local/teletan';

async function callHotline(request: Request, { VERIFICATION }: PortalEnv): Promise<Response> {
  if (request.method !== 'POST') return new Response(null, { status: 405, headers: { allow: 'POST' } });
  const issued = await VERIFICATION.issueTeleTan('local-hotline');
  const headers = { 'cache-control': 'no-store' };
  if (issued === null)
    return Response.json({ error: 'no teleTAN now: as many as an hour allows' }, { status: 429, headers });
  return Response.json({ teleTan: issued.teleTan }, { headers });
}

/** The administrators' API, on the one local port too: not every client finds a host below `localhost`. */
const ADMIN_API = /^\/api\/(issue|batch-issue|checkcodestatus|expirecode)$/;

function atHost(request: Request, host: string): Request {
  const url = new URL(request.url);
  url.hostname = host;
  return new Request(url, request);
}

const app = createApp({ identify, clock });

export default {
  async fetch(request: Request, env: PortalEnv, context: ExecutionContext): Promise<Response> {
    const { hostname, pathname } = new URL(request.url);
    // Keys alone let anybody in there, as where it is deployed.
    if (hostname === env.ADMIN_API_HOST) return app.fetch(request, env, context);
    if (ADMIN_API.test(pathname)) return app.fetch(atHost(request, env.ADMIN_API_HOST), env, context);
    if (pathname === CHOOSER) return choose(request);
    if (pathname === HOTLINE_PATH) return callHotline(request, env);
    if (/^\/staff(\/|$)/.test(pathname) && chosenIn(request) === null) {
      return new Response(null, { status: 303, headers: { location: CHOOSER } });
    }
    return app.fetch(request, env, context);
  },
  scheduled: atLocalTime(scheduled),
};
