/**
 * @module `npm start`: keeps a local edge running until Ctrl-C, with state on disk that survives a restart.
 */
import { readOptions, run, UsageError, wholeNumber } from './support/cli.ts';

const USAGE = `
npm start -- [--port N] [--state DIR]

Runs every Worker on one loopback port, with the paths phones use, until Ctrl-C.

  --port N     port on 127.0.0.1, 0 for a free one (default 8787)
  --state DIR  where keys, objects and buckets are kept (default .local-edge)

What it serves:
  POST /version/v1/diagnosis-keys                    uploads (a TAN: npm run -s tan -- --count 1 --url URL)
  GET  /v1/DE/manifest.json, /v1/DE/chunks/…         the signed manifest and its chunks, DE and EUR
  GET  /version/v1/diagnosis-keys/country/…          Corona-Warn-App's tree
  POST /operator/tans, /operator/advance             operator commands (JSON); GET /operator/status
  GET  /local/clock, PUT /local/clock {"now": S}     the local clock: Unix seconds, or null for real time
The state directory has public.pem and manifest-public.pem, the keys phones pin.
`;

/**
 * Resolves at the first Ctrl-C or SIGTERM. To be called once the edge runs: Miniflare has handlers of its own by then, which
 * would end the process with 130 or 143 before objects and workerd are closed.
 */
const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => resolve());
    }
  });

await run(async () => {
  const options = readOptions(USAGE, {
    port: { type: 'string', default: '8787' },
    state: { type: 'string', default: '.local-edge' },
  });
  const port = wholeNumber('port', options.port, { min: 0, max: 65_535 });
  if (options.state === '') throw new UsageError('--state: a directory is wanted');
  // Loaded late: --help and a wrong call answer at once.
  const { startLocalEdge } = await import('../local-edge/local-edge.ts');
  const edge = await startLocalEdge({ port, state: options.state });
  const stop = interrupted();
  process.stdout.write(`exposure-edge is ready on ${edge.url}  (state in ${edge.state}; Ctrl-C ends it)\n`);
  await stop;
  await edge.dispose();
  process.stdout.write('exposure-edge has stopped.\n');
  return 0;
});
