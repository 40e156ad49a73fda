/**
 * @module `npm run edge`: local Workers behind the edge tier, three caches in front of one shield, until Ctrl-C. For k6 by hand
 * and for a look at what self-hosting is (deploy/nginx/README.md).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readOptions, run, UsageError, wholeNumber } from '../../scripts/support/cli.ts';
import { checkNginx, startEdgeTier, type TierReads } from './tier.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';

const USAGE = `
npm run edge -- [--port N] [--state DIR] [--workers URL]

Starts the local Workers with nginx in front: edges with TLS on N+1, N+2 and N+3, the shield on N, static files on N+4, the
Workers with TLS but no cache on N+5. All on 127.0.0.1, with a test certificate made at start.

  --port N       first port (default 8440)
  --state DIR    state of the local Workers, as for npm start (default .local-edge)
  --workers URL  Workers that are running already, e.g. npm start's http://127.0.0.1:8787

The edges go by real time: fill the state with it, or move the clock back to real time (PUT /local/clock {"now": null}).
`;

const sumUp = (name: string, { total, byPath }: TierReads): string =>
  `${name}: ${total} requests for ${byPath.size} addresses`;

await run(async () => {
  const options = readOptions(USAGE, {
    port: { type: 'string', default: '8440' },
    state: { type: 'string', default: '.local-edge' },
    workers: { type: 'string' },
  });
  const port = wholeNumber('port', options.port, { min: 1024, max: 65_000 });
  if (options.workers !== undefined && !URL.canParse(options.workers)) {
    throw new UsageError(`--workers: "${options.workers}" is no URL`);
  }
  process.stdout.write(`nginx ${checkNginx()}\n`);
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  const folder = mkdtempSync(join(tmpdir(), 'exposure-edge-tier-'));
  const own = options.workers === undefined ? await startLocalEdge({ state: options.state }) : null;
  try {
    const workers = own?.url ?? options.workers ?? '';
    const tier = await startEdgeTier(folder, workers, {
      shield: port,
      edges: [port + 1, port + 2, port + 3],
      statics: port + 4,
      uncached: port + 5,
    });
    try {
      process.stdout.write(
        `Workers ${workers}\nedges   ${tier.edges.join(' ')}\nk6:     BASE_URLS=${tier.edges.join(',')} ` +
          `npm run -s k6 -- run load-tests/scenarios/download-steady.ts\nCtrl-C ends it.\n`,
      );
      await stop;
      process.stdout.write(`\n${sumUp('to the shield', tier.shieldReads())}\n`);
      process.stdout.write(`${sumUp('to the Workers', tier.originReads())}\n`);
    } finally {
      await tier.stop();
    }
  } finally {
    await own?.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
});
