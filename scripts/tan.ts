/**
 * @module `npm run -s tan`: has TANs issued by a running edge and prints them, one a line.
 */
import { JSON_FLAG, url, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { issueTans } from './support/operator.ts';

await run(
  {
    name: 'npm run -s tan',
    summary: 'Has N TANs issued by the edge at URL (POST /operator/tans) and prints them, one a line.',
    options: {
      count: wholeNumber('how many', { min: 1, max: 100_000, default: 1 }),
      url: url('where the edge is', { default: 'http://127.0.0.1:8787' }),
      json: JSON_FLAG,
    },
    notes: `
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
    examples: ['npm run -s tan -- --count 3 --url http://127.0.0.1:8787'],
  },
  async (options, { print, progress }) => {
    const tans = await issueTans(options.url, options.count, (done) => progress('TANs', done, options.count));
    print(tans, tans.join('\n'));
    return 0;
  },
);
