/**
 * @module `npm run edge`: local Workers behind the edge tier, three caches in front of one shield, until Ctrl-C. For k6 by hand
 * and for a look at what self-hosting is (deploy/nginx/README.md).
 */
import { text, url, wholeNumber } from '../../scripts/support/command-line/arguments.ts';
import { run } from '../../scripts/support/command-line/command.ts';
import { endAtInterrupt, temporaryFolder, untilInterrupted } from '../../scripts/support/command-line/interrupt.ts';
import { checkNginx, startEdgeTier, type TierReads } from './tier.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';

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
The edges go by real time: fill the state with it, or move the clock back to real time (PUT /local/clock {"now": null}).`,
    examples: ['npm run edge -- --workers http://127.0.0.1:8787'],
    exitCodes: 'Ctrl-C and SIGTERM are how it ends: 0 once it runs.',
  },
  async ({ port, state, workers }, { say }) => {
    say(`nginx ${checkNginx()}`);
    const folder = temporaryFolder('tier');
    const own = workers === null ? await startLocalEdge({ state }) : null;
    try {
      const origin = own?.url ?? workers ?? '';
      const tier = await startEdgeTier(folder.path, origin, {
        shield: port,
        edges: [port + 1, port + 2, port + 3],
        statics: port + 4,
        uncached: port + 5,
      });
      const ended = endAtInterrupt(() => void tier.stop());
      try {
        const stop = untilInterrupted();
        say(`Workers ${origin}\nedges   ${tier.edges.join(' ')}`);
        say(`k6:     BASE_URLS=${tier.edges.join(',')} npm run -s k6 -- run load-tests/scenarios/download-steady.ts`);
        say('Ctrl-C ends it.');
        await stop;
        say(`\n${sumUp('to the shield', tier.shieldReads())}`);
        say(sumUp('to the Workers', tier.originReads()));
      } finally {
        await tier.stop();
        ended();
      }
    } finally {
      await own?.dispose();
      folder.remove();
    }
    return 0;
  },
);
