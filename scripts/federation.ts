/**
 * @module `npm run federation`: peered backends on this machine, to try them against each other and from outside.
 */
import { relative } from 'node:path';
import { CLUSTER } from '../protocol/directory/entry.ts';
import { JSON_FLAG, oneOf, parsed, text, url as urlArgument, wholeNumber } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { untilInterrupted } from './support/command-line/interrupt.ts';

/** Each is a workerd with all Workers: some 350 MB. */
const MOST_REGIONS = 8;
/** So that a clock which `npm run advance` has moved brings the polls that are due by it. */
const POLL_MS = 1_000;
/** Witnesses cosign anew, so that the directory doesn't get old under a clock that stands still. */
const COSIGN_MS = 3_600_000;

await run(
  {
    name: 'npm run federation',
    summary:
      'Runs peered backends on 127.0.0.1 until Ctrl-C: each a whole local edge behind TLS with client certificates, in one directory.',
    positionals: {
      action: oneOf(
        'what to do',
        { 'serve-local': 'starts them, says where they are and with which certificates to call them' },
        null,
      ),
    },
    options: {
      regions: parsed(
        'who takes part; a cluster of its own behind a colon',
        {
          placeholder: 'DE,NL:eu,IT',
          mustBe: `2 to ${MOST_REGIONS} codes of two capitals, each once, a colon and a cluster behind those that have one of their own`,
          default: [
            { id: 'DE', cluster: 'eu' },
            { id: 'NL', cluster: 'eu' },
            { id: 'IT', cluster: 'eu' },
          ],
          defaultText: 'DE,NL,IT',
        },
        (given) => {
          const regions = given.split(',').map((one) => {
            const [id = '', cluster = 'eu', more] = one.split(':');
            return /^[A-Z]{2}$/.test(id) && CLUSTER.test(cluster) && more === undefined ? { id, cluster } : null;
          });
          const found = regions.filter((one) => one !== null);
          const distinct = new Set(found.map(({ id }) => id)).size;
          const isRight = distinct === regions.length && distinct >= 2 && distinct <= MOST_REGIONS;
          return isRight ? found : undefined;
        },
      ),
      dir: text('where everything of them is kept', { placeholder: 'DIR', default: 'out/federation' }),
      'efgs-url': urlArgument('a European gateway that they use too, such as that of npm run efgs-gateway', {
        default: null,
      }),
      'efgs-dir': text(
        'the certificates for it, under the names that npm run efgs-gateway has; a region without them is no member',
        { placeholder: 'DIR', default: 'out/efgs-gateway' },
      ),
      'efgs-max-age-days': wholeNumber('days that it keeps batches', { min: 1, max: 14, default: 2 }),
      json: JSON_FLAG,
    },
    notes: `
What it leaves in DIR (keys of nobody, for this machine alone), and finds again at the next start:
  policy.json                        whom a reader of the directory trusts
  directory/                         the directory's log (docs/directory.md); npm run directory -- revoke --dir DIR/directory
                                     and publish, witness change what the backends believe within a second
  keys/                              the root, the clusters, the log and both witnesses
  CC/CC-client.pem, CC-client.key    a backend's client certificate, to call the others' feeds with
  CC/CC-server.pem                   whoever vouches for its TLS certificate: itself
  CC/state/                          its local edge; public.pem is what phones pin
With a backend's address go all commands that take --url: npm run -s tan, npm run advance, npm run -s phone.`,
    examples: [
      'npm run federation -- serve-local --regions DE,NL,IT --dir out/federation',
      'npm run federation -- serve-local --regions DE,NL --efgs-url https://127.0.0.1:8443 --efgs-dir out/efgs-gateway',
      'curl --cacert out/federation/DE/DE-server.pem --cert out/federation/NL/NL-client.pem --key out/federation/NL/NL-client.key https://127.0.0.1:PORT/v1/NL/keys',
    ],
    exitCodes: 'Ctrl-C and SIGTERM are how it ends: 0 once it runs.',
  },
  async ({ regions, dir, json, ...given }, { say, print }) => {
    // Loaded late: --help and a wrong call answer at once.
    const [{ makePlan, backendFiles, directoryFiles }, { startFederation }] = await Promise.all([
      import('./federation/plan.ts'),
      import('./federation/federation.ts'),
    ]);
    const now = (): number => Math.floor(Date.now() / 1000);
    const plan = await makePlan(dir, regions, now());
    const { 'efgs-url': gatewayUrl, 'efgs-dir': folder, 'efgs-max-age-days': maxAgeDays } = given;
    const gateway = gatewayUrl === null ? {} : { gateway: { url: gatewayUrl.replace(/\/$/, ''), folder, maxAgeDays } };
    const federation = await startFederation(plan, {
      ...gateway,
      pollMs: POLL_MS,
      now,
      onLog: (region, line) => void process.stderr.write(`${region}: ${line}\n`),
    });
    const stop = untilInterrupted();
    const cosigning = setInterval(
      () => void federation.registry.publish(now()).catch((error: unknown) => say(String(error))),
      COSIGN_MS,
    );
    const shown = (file: string): string => (json ? file : relative(process.cwd(), file));
    const backends = federation.members.map(({ plan: own, url, feedUrl }) => {
      const files = backendFiles(own);
      return {
        region: own.id,
        cluster: own.cluster,
        url,
        feedUrl,
        clientCertificate: shown(`${files.client}.pem`),
        clientKey: shown(`${files.client}.key`),
        serverCertificate: shown(`${files.server}.pem`),
        state: shown(files.state),
      };
    });
    const { policy, log } = directoryFiles(plan.dir);
    print(
      { backends, directory: shown(log), policy: shown(policy) },
      [
        ...backends.flatMap((one) => [
          `${one.region} (${one.cluster})  phones and operators: ${one.url}`,
          `     feeds for peers: ${one.feedUrl}, vouched for by ${one.serverCertificate}`,
          `     its certificate to call others with: ${one.clientCertificate}, ${one.clientKey}`,
        ]),
        `directory: ${shown(log)}, policy: ${shown(policy)}`,
        `${backends.length} backends are ready; Ctrl-C ends them`,
      ].join('\n'),
    );
    await stop;
    clearInterval(cosigning);
    await federation.end();
    say('all backends have stopped.');
    return 0;
  },
);
