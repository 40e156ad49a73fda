/**
 * @module The victim of `npm run chaos`: a local edge in a process (and process group) of its own, so that it can be
 * killed. Prints one line of JSON when it is ready.
 */
import { startLocalEdge } from '../../local-edge/local-edge.ts';

/** Everything is published at once, so that each acknowledged key must be found; answers leave as soon as they are done. */
const VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
} as const;

const [, , state, port] = process.argv;
if (state === undefined || port === undefined) throw new Error('serve.ts STATE PORT');
const edge = await startLocalEdge({ state, port: Number(port), vars: VARS });
process.stdout.write(
  `${JSON.stringify({ url: edge.url, publicPem: edge.publicPem, manifestPem: edge.manifestPublicPem })}\n`,
);
