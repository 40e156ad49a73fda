/**
 * @module Links that bring a code into an app (docs/spec/google.md §5.6): `https://<region>.<domain>/v?c=…`. Phones whose app claims the host open it without asking us, by the two documents below; whoever
 * asks gets an iPhone's own scheme, an Android intent, or a page that says what to do. Nothing of it is kept or cached, and the code isn't looked at: a link tells nobody whether it is live.
 */
import type { LinkConfig } from './config.ts';

/** Play services' own app handles the scheme where no other is named. */
const ANDROID_PACKAGE = 'com.google.android.gms';
/** Longer ones are no code of ours; what stands in a link stands in a redirection. */
const CODE = /^[A-Za-z0-9]{1,32}$/;
const ONE_HOUR = 'public, max-age=3600';

const NEVER_KEPT = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Open this link on your phone</title>
<h1>Open this link on your phone</h1>
<p>It holds a code of your health authority for the exposure notification app. Open it on the phone that has the app: the app then asks whether you want to warn others.</p>
<p>Nothing has happened yet, and the code is still good. Keep the link to yourself, and do not pass it on: whoever opens it first uses it up.</p>
<p>If the app does not open, start it and type the shorter code that came with the link, or ask those who sent it for a new one.</p>
</html>
`;

/** @returns a page without scripts or anything from elsewhere, nor a word of the request */
function page(status: number): Response {
  const headers = {
    ...NEVER_KEPT,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  };
  return new Response(
    status === 200 ? PAGE : '<!doctype html>\n<title>Not found</title>\n<h1>There is nothing here</h1>\n',
    {
      status,
      headers,
    },
  );
}

const redirect = (location: string): Response =>
  new Response(null, { status: 303, headers: { ...NEVER_KEPT, location } });

/** @param link what was opened, on what @param links null: there are none @returns the answer of `/v` */
export function linkAnswer(
  link: { readonly url: URL; readonly userAgent: string },
  links: LinkConfig | null,
): Response {
  const code = link.url.searchParams.get('c') ?? '';
  if (links === null || link.url.hostname !== links.host || !CODE.test(code)) return page(404);
  const query = `v?c=${code}&r=${links.region}`;
  if (/iphone/i.test(link.userAgent)) return redirect(`ens://${query}`);
  if (!/android/i.test(link.userAgent)) return page(200);
  const [app] = links.androidApps;
  const fallback =
    app === undefined
      ? ''
      : `;S.browser_fallback_url=${encodeURIComponent(`https://play.google.com/store/apps/details?id=${app.packageName}`)}`;
  const intent = `;scheme=ens;package=${app?.packageName ?? ANDROID_PACKAGE};action=android.intent.action.VIEW;category=android.intent.category.BROWSABLE`;
  return redirect(`intent://${query}#Intent${intent}${fallback};end`);
}

/** The same for all who ask: platforms fetch it, once an app is installed. */
const document = (body: unknown): Response =>
  Response.json(body, { headers: { 'cache-control': ONE_HOUR, 'x-content-type-options': 'nosniff' } });

/** @returns which apps of Apple's open links of this host; 404 without links */
export function appleAssociation(links: LinkConfig | null): Response {
  if (links === null) return page(404);
  const details = links.appleApps.map((appID) => ({ appID, paths: ['/v', '/v/*'] }));
  return document({ applinks: { apps: [], details } });
}

/** @returns which apps of Android's open links of this host; 404 without links */
export function assetLinks(links: LinkConfig | null): Response {
  if (links === null) return page(404);
  return document(
    links.androidApps.map(({ packageName, fingerprint }) => ({
      relation: ['delegate_permission/common.handle_all_urls'],
      target: { namespace: 'android_app', package_name: packageName, sha256_cert_fingerprints: [fingerprint] },
    })),
  );
}
