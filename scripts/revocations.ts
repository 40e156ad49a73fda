/**
 * @module `npm run revocations`: brings an authority's list of revoked certificates to the portal, which refuses its cards once
 * the list that is there has passed its end (docs/deploy.md §5).
 */
import { readFile } from 'node:fs/promises';
import { readOptions, run, UsageError } from './support/cli.ts';
import { command } from './support/operator.ts';

const USAGE = `
npm run revocations -- --list FILE [--authority FILE] --url URL [--json]

Brings the list in FILE (DER or PEM, as the authority publishes it) to the portal at URL (POST /operator/cards/list), which
checks it and puts it in force. Ends with 1 when it is refused, or this list or a newer one is in force.

  --list FILE       the list, e.g. fetched with curl from the address in the certificates
  --authority FILE  certificates in PEM: of the authority that signed it, then those that lead to a root in STAFF_ROOTS;
                    left out: a root signed it
  --url URL         where the portal is, e.g. http://127.0.0.1:8787 (the default)
  --json            prints the answer as JSON

Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.
`;

/** Statuses that say what is wrong with the list. */
const REFUSALS = [409, 422];
const PEM = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/;

/** @returns the list in base64 */
function base64Of(file: Buffer): string {
  const pem = PEM.exec(file.toString('latin1'))?.[1];
  return pem === undefined ? file.toString('base64') : pem.replaceAll(/\s/g, '');
}

await run(async () => {
  const options = readOptions(USAGE, {
    list: { type: 'string' },
    authority: { type: 'string' },
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    json: { type: 'boolean', default: false },
  });
  if (options.list === undefined) throw new UsageError('--list: a file is needed');
  if (!URL.canParse(options.url)) throw new UsageError(`--url: "${options.url}" is no URL`);
  const list = base64Of(await readFile(options.list));
  const authority = options.authority === undefined ? null : await readFile(options.authority, 'utf8');
  const answer = (await command(options.url, 'POST', '/operator/cards/list', { list, authority }, REFUSALS)) as {
    readonly authority?: string;
    readonly entries?: number;
    readonly detail?: string;
  };
  const inForce = answer.entries !== undefined;
  const text = inForce ? `in force: ${answer.entries} revoked certificates of ${answer.authority}` : answer.detail;
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : `${text}\n`);
  return inForce ? 0 : 1;
});
