/**
 * @module `npm start`: keeps a local edge running until Ctrl-C, with state on disk that survives a restart.
 */
import { flag, text, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { untilInterrupted } from './support/command-line/interrupt.ts';

await run(
  {
    name: 'npm start',
    summary: 'Runs every Worker on one loopback port, with the paths phones use, until Ctrl-C.',
    options: {
      port: wholeNumber('port on 127.0.0.1; 0 takes a free one', { min: 0, max: 65_535, default: 8787 }),
      state: text('where keys, objects and buckets are kept', { placeholder: 'DIR', default: '.local-edge' }),
      'allow-test-authority': flag(
        'lets tools publish without a certificate, as health authority "test"; known to this edge alone',
      ),
    },
    notes: `
What it serves:
  POST /version/v1/diagnosis-keys                    uploads (a TAN: npm run -s tan -- --count 1 --url URL)
  GET  /v1/DE/manifest.json, /v1/DE/chunks/…         the signed manifest and its chunks, DE and EUR
  GET  /version/v1/diagnosis-keys/country/…          Corona-Warn-App's tree
  POST /v1/publish                                   uploads of apps of Google's dialect (healthAuthorityID: exposure-edge)
  POST /operator/tans, /operator/advance             operator commands (JSON); GET /operator/status
  POST /api/verify, /api/certificate                 apps of Google's dialect (a code: npm run -s issue-code -- --url URL)
  POST /api/issue, /api/batch-issue, …               the administrators' API, with a key (docs/verification-codes.md)
  npm run advance -- --hours 1                       moves the local clock on and has the hour sealed
  GET  /local/clock, PUT /local/clock {"now": S}     the local clock: Unix seconds, or null for real time
The state directory has public.pem and manifest-public.pem, the keys phones pin, and sms-outbox.jsonl, what would go out by SMS.`,
    examples: ['npm start -- --port 8787 --state .local-edge'],
    exitCodes: 'Ctrl-C and SIGTERM are how it ends: 0 once it runs.',
  },
  async ({ port, state, 'allow-test-authority': isAllowed }, { say }) => {
    // Loaded late: --help and a wrong call answer at once.
    const { SMS_OUTBOX } = await import('../local-edge/sms-outbox.ts');
    const { startWithAuthorities } = await import('./support/local-authorities.ts');
    const edge = await startWithAuthorities({ port, state }, isAllowed);
    const stop = untilInterrupted();
    say(`exposure-edge is ready on ${edge.url}  (state in ${edge.state}; Ctrl-C ends it)`);
    say(`SMS with codes go to ${edge.state}/${SMS_OUTBOX}`);
    await stop;
    await edge.dispose();
    say('exposure-edge has stopped.');
    return 0;
  },
);
