/**
 * @module The victim of `npm run chaos`: a local edge in a process (and process group) of its own, so that it can be
 * killed. Prints one line of JSON when it is ready.
 */
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { text, wholeNumber } from '../support/command-line/arguments.ts';
import { run } from '../support/command-line/command.ts';

/** Everything is published at once, so that each acknowledged key must be found; answers leave as soon as they are done. */
const VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
} as const;

/** What a deployed edge does every five minutes, in a run that lasts one. */
const JOURNAL_MS = 1_000;

await run(
  {
    name: 'node scripts/chaos/serve.ts',
    summary: 'Runs the local edge that npm run chaos kills, until it is killed.',
    options: {
      state: text('where keys, objects and buckets are kept', { placeholder: 'DIR', default: '.local-edge' }),
      port: wholeNumber('port on 127.0.0.1; 0 takes a free one', { min: 0, max: 65_535, default: 0 }),
    },
  },
  async ({ state, port }, { say }) => {
    const edge = await startLocalEdge({ state, port, vars: VARS });
    const namespace = await edge.miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', 'exposure-edge-origin');
    const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as { writeJournal(): Promise<void> };
    // A workerd that was killed comes back; a buffer whose storage is lost writes none.
    setInterval(() => void buffer.writeJournal().catch(() => undefined), JOURNAL_MS);
    say(JSON.stringify({ url: edge.url, publicPem: edge.publicPem, manifestPem: edge.manifestPublicPem }));
    return 0;
  },
);
