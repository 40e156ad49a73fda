/**
 * @module `npm run revocations`: brings an authority's list of revoked certificates to the portal, which refuses its cards once
 * the list that is there has passed its end (docs/deploy.md §5).
 */
import { readFile } from 'node:fs/promises';
import { existingFile, JSON_FLAG, url } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { command } from './support/operator.ts';

/** Statuses that say what is wrong with the list. */
const REFUSALS = [409, 422];
const PEM = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/;

/** What the portal says. */
interface Answer {
  readonly authority?: string;
  readonly entries?: number;
  readonly detail?: string;
}

/** @returns the list in base64 */
function base64Of(file: Buffer): string {
  const pem = PEM.exec(file.toString('latin1'))?.[1];
  return pem === undefined ? file.toString('base64') : pem.replaceAll(/\s/g, '');
}

await run(
  {
    name: 'npm run revocations',
    summary: `
Brings the list of revoked certificates in the file of --list (DER or PEM, as the authority publishes it) to the portal at URL (POST
/operator/cards/list), which checks it and puts it in force. Ends with 1 when it is refused, or this one or a newer one is
in force.`,
    options: {
      list: existingFile('the list, e.g. fetched with curl from the address in the certificates', { default: null }),
      authority: existingFile(
        'PEM: the authority that signed it, then those that lead to a root in STAFF_ROOTS; left out: a root signed it',
        { default: null },
      ),
      url: url('where the portal is', { default: 'http://127.0.0.1:8787' }),
      json: JSON_FLAG,
    },
    notes: `
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
    examples: [
      'npm run revocations -- --list cards-2026.crl --authority cards-2026.pem --url https://portal.example.org',
    ],
  },
  async (options, { print }) => {
    if (options.list === null) throw new UsageError('--list: a file is needed');
    const list = base64Of(await readFile(options.list));
    const authority = options.authority === null ? null : await readFile(options.authority, 'utf8');
    const body = { list, authority };
    const answer = (await command(options.url, 'POST', '/operator/cards/list', body, REFUSALS)) as Answer;
    const { entries, detail = 'refused' } = answer;
    print(answer, entries === undefined ? detail : `in force: ${entries} revoked certificates of ${answer.authority}`);
    return entries === undefined ? 1 : 0;
  },
);
