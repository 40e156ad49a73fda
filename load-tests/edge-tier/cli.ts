/**
 * @module `npm run edge`: local Workers behind the edge tier, three caches in front of one shield, until Ctrl-C. For k6 by hand
 * and for a look at what self-hosting is (deploy/nginx/README.md).
 */
import { text, url, wholeNumber } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { temporaryFolder, untilInterrupted } from '../../scripts/support/command-line/interrupt.ts';
import { manifestKeyOf } from '../driver/context.ts';
import { fill, SHORT_HISTORY } from '../driver/fill.ts';
import { checkNginx, startEdgeTier, type TierReads } from '../../scripts/support/edge-tier/tier.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';

/** Whether phones find a head. */
async function isSealed(workers: string): Promise<boolean> {
  const answer = await fetch(new URL('/v1/EUR/manifest.json', workers)).catch(() => null);
  if (answer === null) throw new Error(`edge: no Workers answer on ${workers}`);
  return answer.ok;
}

const sumUp = (name: string, { total, byPath }: TierReads): string =>
  `${name}: ${total} requests for ${byPath.size} addresses`;

await run(
  {
    name: 'npm run edge',
    summary: `Starts the local Workers with nginx in front: edges with TLS on N+1, N+2 and N+3, the shield on N, static files on N+4,
      the Workers with TLS but no cache on N+5. All on 127.0.0.1, with a test certificate made at start, until Ctrl-C.`,
    options: {
      port: wholeNumber('first port', { min: 1024, max: 65_000, default: 8440 }),
      state: text('state of the local Workers, as for npm start', { placeholder: 'DIR', default: '.local-edge' }),
      workers: url("Workers that are running already, e.g. npm start's http://127.0.0.1:8787", { default: null }),
    },
    notes: `
On a state on which nothing was sealed yet some hours are, first, so that k6 has something to read (half a minute).
The edges go by real time: move a clock that was moved back to it (curl -X PUT URL/local/clock -d '{"now": null}').`,
    examples: ['npm run edge -- --workers http://127.0.0.1:8787'],
    exitCodes: 'Ctrl-C and SIGTERM are how it ends: 0 once it runs.',
  },
  async ({ port, state, workers }, { say }) => {
    say(`nginx ${checkNginx()}`);
    const folder = temporaryFolder('tier');
    const own = workers === null ? await startLocalEdge({ state }) : null;
    try {
      const origin = own?.url ?? workers ?? '';
      const isFilled = await isSealed(origin);
      if (own !== null && !isFilled) await fill(own, { now: Math.floor(Date.now() / 1000), ...SHORT_HISTORY, say });
      const tier = await startEdgeTier(folder.path, origin, {
        shield: port,
        edges: [port + 1, port + 2, port + 3],
        statics: port + 4,
        uncached: port + 5,
      });
      try {
        const stop = untilInterrupted();
        say(`Workers ${origin}\nedges   ${tier.edges.join(' ')}`);
        const environment = [
          ...(own === null ? [] : [`MANIFEST_KEY='${manifestKeyOf(own)}'`]),
          `BASE_URLS=${tier.edges.join(',')}`,
        ];
        if (own === null && !isFilled)
          say('Nothing is sealed there yet: k6 finds no head (without --workers one is made).');
        say(`k6:     ${environment.join(' ')} npm run -s k6 -- run load-tests/scenarios/download-steady.ts`);
        say('Ctrl-C ends it.');
        await stop;
        say(`\n${sumUp('to the shield', tier.shieldReads())}`);
        say(sumUp('to the Workers', tier.originReads()));
      } finally {
        await tier.stop();
      }
    } finally {
      await own?.dispose();
      folder.remove();
    }
    return 0;
  },
);
