/**
 * @module `npm run -s issue-code`: has verification codes issued by a running edge and prints them, one a line.
 */
import { flag, JSON_FLAG, oneOf, parsed, url, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { type IssuedCodeAnswer, issueCodes } from './support/operator.ts';

const date = (about: string) =>
  parsed<string, null>(about, { placeholder: 'YYYY-MM-DD', mustBe: 'a date, YYYY-MM-DD', default: null }, (given) =>
    /^\d{4}-\d{2}-\d{2}$/.test(given) ? given : undefined,
  );

await run(
  {
    name: 'npm run -s issue-code',
    summary:
      'Has N verification codes issued by the edge at URL (POST /operator/codes) and prints them, one a line: for apps of Google’s dialect (POST /api/verify).',
    options: {
      count: wholeNumber('how many', { min: 1, max: 100_000, default: 1 }),
      type: oneOf('what the test or report says', { confirmed: '', likely: '', negative: '' }, 'confirmed'),
      'symptom-date': date('when symptoms began, at most 28 days ago'),
      'test-date': date('when the test was; without either date it was today'),
      long: flag('prints long codes, of 24 hours, as links and SMS have them; without it short ones, of 15 minutes'),
      url: url('where the edge is', { default: 'http://127.0.0.1:8787' }),
      json: JSON_FLAG,
    },
    notes: `
Codes are booked to whoever asks, and count towards their quota of the day. A code is good for one phone.
Before a deployed portal stands Cloudflare Access: CLOUDFLARE_ACCESS_CLIENT_ID and CLOUDFLARE_ACCESS_CLIENT_SECRET are sent to it.`,
    examples: [
      'npm run -s issue-code -- --count 3 --type confirmed --url http://127.0.0.1:8787',
      'npm run -s issue-code -- --type likely --symptom-date 2026-11-20 --long --json',
    ],
  },
  async (options, { print, progress }) => {
    const { count, type, long } = options;
    const wanted = { testType: type, symptomDate: options['symptom-date'], testDate: options['test-date'], long };
    const codes: IssuedCodeAnswer[] = [];
    try {
      await issueCodes(options.url, count, wanted, (some) => {
        codes.push(...some);
        if (count > some.length) progress('codes', codes.length, count);
      });
    } finally {
      // Those that were issued are nowhere else, and count towards the quota, also when the rest failed.
      if (codes.length > 0) print(codes, codes.map((issued) => (long ? issued.longCode : issued.code)).join('\n'));
    }
    return 0;
  },
);
