/**
 * @module In front of the Workers on one's own hardware, where no platform stands (docs/own-hardware.md): which Worker a path is for, what is said of a client
 * certificate, who somebody is that Access would know, and the schedule. The Workers behind it are those that are deployed elsewhere, unmodified.
 *
 * `default` listens where nginx passes phones on; `Keepers` on a socket for each host with client certificates, which only nginx can open; `Control` on one that
 * only `npm run serve` can open. Nothing of who asks is written or passed on.
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { ACCESS_HEADER, type GatePerson, type GateService } from './contract.ts';
import { workerFor } from './routes.ts';

/** Its bindings: each Worker by its environment's name in capitals. */
interface GateEnv {
  readonly [worker: string]: unknown;
  readonly ROUTES: Readonly<Record<string, readonly string[]>>;
  readonly PEOPLE: readonly GatePerson[];
  readonly SERVICES: readonly GateService[];
  /** Host of the administrators' API, which is asked with keys of its own; empty: there is none. */
  readonly ADMIN_API_HOST: string;
  /** Hosts below it are links into apps; empty: there are none. */
  readonly LINK_DOMAIN: string;
}

/** What nginx says of a client certificate (deploy/nginx/keepers.conf). It writes both over whatever came. */
const VERIFY_HEADER = 'x-client-verify';
const CERTIFICATE_HEADER = 'x-client-certificate';
/** Headers by which a client could say what nginx, the platform or a proxy says, or who it is. */
const NOT_PASSED = /^(?:cf-|x-client-|x-forwarded-|x-real-ip$|forwarded$|via$|x-exposure-edge-|user-agent$)/;
/** Past it the platform leaves a certificate out (docs/spec/platform.md §1.5). */
const MAX_CERTIFICATE_BYTES = 10_240;

const workerOf = (env: GateEnv, worker: string): Fetcher => env[worker.toUpperCase()] as Fetcher;

function cleaned(request: Request): Headers {
  return new Headers([...request.headers].filter(([name]) => !NOT_PASSED.test(name)));
}

export default {
  async fetch(request, env) {
    const { hostname, pathname } = new URL(request.url);
    const isAdminApi = env.ADMIN_API_HOST !== '' && hostname === env.ADMIN_API_HOST;
    const isLink = env.LINK_DOMAIN !== '' && hostname.endsWith(`.${env.LINK_DOMAIN}`);
    const worker = isAdminApi ? 'portal' : isLink ? 'verification' : workerFor(env.ROUTES, pathname);
    const headers = cleaned(request);
    // The page of a link looks at what kind of phone asks; it is the one place (docs/decisions/067).
    const agent = isLink ? request.headers.get('user-agent') : null;
    if (agent !== null) headers.set('user-agent', agent);
    return workerOf(env, worker).fetch(new Request(request, { headers, redirect: 'manual' }));
  },
} satisfies ExportedHandler<GateEnv>;

/** DER of a certificate as nginx hands it on (`$ssl_client_escaped_cert`), base64; null when there is none. */
function derOf(header: string | null): string | null {
  const text = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(
    decodeURIComponent(header ?? ''),
  );
  return text?.[1]?.replaceAll(/\s/g, '') ?? null;
}

/** As the platform tells it: `request.cf.tlsClientAuth`. */
function clientAuth(verify: string | null, der: string | null) {
  const isTooLarge = der !== null && (der.length / 4) * 3 > MAX_CERTIFICATE_BYTES;
  return {
    certPresented: der === null ? '0' : '1',
    certVerified: der === null ? 'NONE' : (verify ?? 'FAILED:unknown'),
    // nginx has looked at its list of revocations: what is on it is FAILED.
    certRevoked: '0',
    certRFC9440: der === null || isTooLarge ? '' : `:${der}:`,
    certRFC9440TooLarge: isTooLarge,
    certChainRFC9440: '',
    certChainRFC9440TooLarge: false,
  };
}

async function sha256Hex(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Who Access would say it is: by a certificate that is listed, or by a service's secret. */
async function claimsOf(env: GateEnv, request: Request, verified: string | null) {
  const iat = Math.floor(Date.now() / 1000);
  if (verified !== null) {
    const bytes = new Uint8Array(Array.from(atob(verified), (character) => character.codePointAt(0) ?? 0));
    const fingerprint = await sha256Hex(bytes);
    const person = env.PEOPLE.find((one) => one.fingerprint === fingerprint);
    if (person === undefined) return null;
    const { email, roles, provider } = person;
    return { email, iat, oidc_fields: { exposure_edge_roles: roles, exposure_edge_provider: provider } };
  }
  const [id, secret] = [request.headers.get('cf-access-client-id'), request.headers.get('cf-access-client-secret')];
  if (id === null || secret === null) return null;
  const hash = await sha256Hex(new TextEncoder().encode(secret));
  return env.SERVICES.some((one) => one.id === id && one.secretSha256 === hash) ? { user_uuid: id, iat } : null;
}

/** JSON without a character that a header's value can't have. */
function headerText(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A host with client certificates: laboratories, peers, the portal. */
export class Keepers extends WorkerEntrypoint<GateEnv, { readonly worker: string }> {
  override async fetch(request: Request): Promise<Response> {
    const { worker } = this.ctx.props;
    const verify = request.headers.get(VERIFY_HEADER);
    const der = derOf(request.headers.get(CERTIFICATE_HEADER));
    const headers = cleaned(request);
    if (worker === 'portal') {
      const claims = await claimsOf(this.env, request, verify === 'SUCCESS' ? der : null);
      if (claims !== null) headers.set(ACCESS_HEADER, headerText({ app_aud: 'own-hardware', jwt_claims: claims }));
    }
    const cf = { tlsClientAuth: clientAuth(verify, der) } as RequestInit['cf'];
    return workerOf(this.env, worker).fetch(new Request(request, { headers, cf, redirect: 'manual' } as RequestInit));
  }
}

/** What Access's own Worker would answer: workerd hands on the claims that `Keepers` wrote. */
export class Identity extends WorkerEntrypoint<GateEnv, { readonly jwtClaims?: unknown }> {
  async getIdentity(): Promise<unknown> {
    return this.ctx.props.jwtClaims;
  }
}

/** What the flag `service_binding_extra_handlers` gives a binding, which the types of workers don't know. */
interface Scheduled {
  scheduled(options: { readonly cron: string; readonly scheduledTime: Date }): Promise<{ readonly outcome: string }>;
}

/** `npm run serve` itself: the schedule, which the platform drives elsewhere. `POST /cron {"worker", "cron", "at"}`, `at` Unix milliseconds. */
export class Control extends WorkerEntrypoint<GateEnv> {
  override async fetch(request: Request): Promise<Response> {
    if (request.method !== 'POST') return Response.json({ ready: true });
    const { worker, cron, at } = await request.json<{ worker: string; cron: string; at: number }>();
    const { outcome } = await (workerOf(this.env, worker) as unknown as Scheduled).scheduled({
      cron,
      scheduledTime: new Date(at),
    });
    return Response.json({ outcome });
  }
}
