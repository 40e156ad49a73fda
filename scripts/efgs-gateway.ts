/**
 * @module `npm run efgs-gateway`: a European Federation Gateway Service on this machine until Ctrl-C, with certificates to call it
 * with. What a client is configured with stands in a folder, so that another gateway can take its place by other files.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parsed, text, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { untilInterrupted } from './support/command-line/interrupt.ts';

/** The union has 27 countries, the gateway served a few more. */
const MAX_COUNTRIES = 40;

await run(
  {
    name: 'npm run efgs-gateway',
    summary: 'Runs a European Federation Gateway Service on 127.0.0.1, in memory, until Ctrl-C.',
    options: {
      dir: text('where certificates and keys are written', { placeholder: 'DIR', default: 'out/efgs-gateway' }),
      port: wholeNumber('port on 127.0.0.1; 0 takes a free one', { min: 0, max: 65_535, default: 0 }),
      countries: parsed(
        'who may call it',
        { placeholder: 'DE,NL', mustBe: `1 to ${MAX_COUNTRIES} codes of two capitals`, default: ['DE', 'NL'] },
        (given) => {
          const countries = [...new Set(given.split(','))];
          const all = countries.every((country) => /^[A-Z]{2}$/.test(country));
          return all && countries.length <= MAX_COUNTRIES ? countries : undefined;
        },
      ),
      'batch-seconds': wholeNumber('between two runs that join uploads into batches', {
        min: 1,
        max: 3600,
        default: 300,
      }),
      'max-age-days': wholeNumber('days that batches can be had', { min: 1, max: 14, default: 2 }),
    },
    notes: `
What it writes into DIR, anew at each start (keys of nobody, for this machine alone):
  trust-anchor.pem                      the anchor that signs the list of certificates
  server.pem                            whoever vouches for the gateway's TLS certificate: itself
  CC-authentication.pem, …-key.pem      a country's certificate to call with
  CC-signing.pem, …-key.pem             a country's certificate to sign batches with
Paths begin with /diagnosiskeys (docs/spec/europe.md §3.1).`,
    examples: ['npm run efgs-gateway -- --countries DE,NL,FR --batch-seconds 5'],
    exitCodes: 'Ctrl-C and SIGTERM are how it ends: 0 once it runs.',
  },
  async ({ dir, port, countries, 'batch-seconds': seconds, 'max-age-days': maxAgeDays }, { say }) => {
    // Loaded late: --help and a wrong call answer at once.
    const { startGateway } = await import('../local-edge/efgs-gateway/gateway.ts');
    const gateway = await startGateway({ countries, port, maxAgeDays, everyMs: seconds * 1000 });
    const stop = untilInterrupted();
    await mkdir(dir, { recursive: true });
    const files: Record<string, string> = {
      'trust-anchor.pem': gateway.anchor.certificatePem,
      'server.pem': gateway.serverCertificatePem,
    };
    for (const [country, { authentication, signing }] of gateway.members) {
      files[`${country}-authentication.pem`] = authentication.certificatePem;
      files[`${country}-authentication-key.pem`] = authentication.privateKeyPem;
      files[`${country}-signing.pem`] = signing.certificatePem;
      files[`${country}-signing-key.pem`] = signing.privateKeyPem;
    }
    await Promise.all(
      Object.entries(files).map(([name, content]) => writeFile(join(dir, name), content, { mode: 0o600 })),
    );
    say(`the gateway is ready on ${gateway.url}  (certificates in ${dir}; Ctrl-C ends it)`);
    await stop;
    await gateway.close();
    say('the gateway has stopped.');
    return 0;
  },
);
