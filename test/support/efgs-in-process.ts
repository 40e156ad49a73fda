/**
 * @module The gateway's own code without its TLS, so that it runs in workerd too, and fast: who calls is told instead of proved.
 */
import { readSettings, type UploadPorts } from '../../domain/federation/efgs/ports.ts';
import { Callbacks } from '../../local-edge/efgs-gateway/callbacks.ts';
import { CertificateList } from '../../local-edge/efgs-gateway/certificate-list.ts';
import { makeAnchor, makeMember, type Member } from '../../local-edge/efgs-gateway/pki.ts';
import { route, type GatewayParts } from '../../local-edge/efgs-gateway/routes.ts';
import { GatewayStore } from '../../local-edge/efgs-gateway/store.ts';
import { signerOf } from './efgs-signer.ts';

/** 2020-11-26T12:00:00Z */
export const NOON = 1_606_392_000;

/** Keys that it holds. */
const MAX_KEYS = 10_000;

export interface InProcess {
  readonly store: GatewayStore;
  readonly clock: { now: number };
  readonly ports: ReadonlyMap<string, UploadPorts>;
  readonly callbacks: Callbacks;
  /** Addresses that it called. */
  readonly called: string[];
}

/** Certificates of countries, made once: they take longer than a gateway. */
export interface Countries {
  readonly anchorPem: string;
  readonly members: readonly Member[];
}

/** @param countries ISO 3166-1 alpha-2 */
export async function makeCountries(countries: readonly string[]): Promise<Countries> {
  const anchor = await makeAnchor(NOON);
  const members = await Promise.all(countries.map((country) => makeMember(anchor, country, NOON)));
  return { anchorPem: anchor.certificatePem, members };
}

/** @returns a gateway without anything in it, and each country's ports to it */
export function gatewayInProcess({ anchorPem, members }: Countries): InProcess {
  const clock = { now: NOON };
  const list = new CertificateList(anchorPem);
  const store = new GatewayStore(2, () => false, MAX_KEYS);
  const called: string[] = [];
  const callbacks = new Callbacks({
    resolve: async () => ['203.0.113.5'],
    call: async (url) => {
      called.push(url);
      return true;
    },
  });
  const parts: GatewayParts = { store, list, callbacks, now: () => clock.now };
  const ports = members.map((member): readonly [string, UploadPorts] => {
    const { country } = member;
    list.add(...member.listed);
    const settings = readSettings({
      baseUrl: 'https://gateway.example',
      country,
      anchor: anchorPem,
      revoked: [],
      maxAgeDays: 2,
    });
    if (!settings.ok) throw new Error(settings.error);
    const fetch = (asked: Request): Promise<Response> => answer(asked, member, parts);
    return [country, { settings: settings.value, signer: signerOf(member.signing), now: () => clock.now, fetch }];
  });
  return { store, clock, ports: new Map(ports), callbacks, called };
}

async function answer(asked: Request, { country, authentication }: Member, parts: GatewayParts): Promise<Response> {
  const { pathname, searchParams } = new URL(asked.url);
  const request = {
    method: asked.method,
    path: pathname,
    query: searchParams,
    headers: Object.fromEntries(asked.headers),
    body: new Uint8Array(await asked.arrayBuffer()),
  };
  const { status, headers, body } = await route(request, { country, thumbprint: authentication.thumbprint }, parts);
  return new Response(Uint8Array.from(body), { status, headers: { ...headers } });
}
