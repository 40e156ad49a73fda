/**
 * @module `npm run -s tan`: has TANs issued by a running edge and prints them, one a line.
 */
import { readOptions, run, UsageError, wholeNumber } from './support/cli.ts';
import { issueTans } from './support/operator.ts';

const USAGE = `
npm run -s tan -- --count N --url URL [--json]

Has N TANs issued by the edge at URL (POST /operator/tans) and prints them, one a line.

  --count N  how many, 1..100000 (default 1)
  --url URL  where the edge is, e.g. http://127.0.0.1:8787 (the default)
  --json     prints one JSON array instead

Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.
`;

await run(async () => {
  const options = readOptions(USAGE, {
    count: { type: 'string', default: '1' },
    url: { type: 'string', default: 'http://127.0.0.1:8787' },
    json: { type: 'boolean', default: false },
  });
  const count = wholeNumber('count', options.count, { min: 1, max: 100_000 });
  if (!URL.canParse(options.url)) throw new UsageError(`--url: "${options.url}" is no URL`);
  const tans = await issueTans(options.url, count);
  process.stdout.write(options.json ? `${JSON.stringify(tans)}\n` : `${tans.join('\n')}\n`);
  return 0;
});
