/**
 * @module The victim of `npm run chaos`: a local edge in a process (and process group) of its own, so that it can be
 * killed. Prints one line of JSON when it is ready.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { text, wholeNumber } from '../support/command-line/arguments.ts';
import { run } from '../support/command-line/command.ts';
import type { VerificationBackOfficeRpc } from '../../domain/rpc.ts';
import type { Batch } from './clients.ts';
import type { Ready } from './victim.ts';

/** Everything is published and taken back at once and without decoys, so that each key can be accounted for; answers leave as soon as they are done. */
const VARS = {
  upload: { ANSWER_DEADLINE_MS: '0' },
  verification: { ANSWER_DEADLINE_MS: '0' },
  origin: { MIN_KEYS: '0', MIN_UPLOADS: '0' },
} as const;

/** What a deployed edge does every five minutes, in a run that lasts one. */
const JOURNAL_MS = 500;

/** Asked for anew each time: a workerd that was killed comes back, and a buffer whose storage is lost writes none. */
async function keepJournal(miniflare: LocalEdge['miniflare']): Promise<never> {
  for (;;) {
    try {
      const namespace = await miniflare.getDurableObjectNamespace('SUBMISSION_BUFFER', 'exposure-edge-origin');
      const buffer = namespace.get(namespace.idFromName('buffer')) as unknown as { writeJournal(): Promise<void> };
      await buffer.writeJournal();
    } catch {
      // Nothing runs just now.
    }
    await sleep(JOURNAL_MS);
  }
}

/** Of a batch: more than phones use until it is rolled back. */
const CARDS = 100;

/** Staff print them through the entrypoint that the portal is bound to. */
async function printCards(miniflare: LocalEdge['miniflare'], batches: number): Promise<Batch[]> {
  const { VERIFICATION } = await miniflare.getBindings<{ readonly VERIFICATION: VerificationBackOfficeRpc }>(
    'exposure-edge-portal',
  );
  const printed: Batch[] = [];
  for (let n = 0; n < batches; n++) {
    const sheet = await VERIFICATION.makeCards('practice of chaos', `batch ${n}`, CARDS);
    if (sheet === null) throw new Error('code cards: no more batches');
    printed.push({ batchId: sheet.batch.batchId, codes: sheet.cards.map(({ code }) => code) });
  }
  return printed;
}

await run(
  {
    name: 'node scripts/chaos/serve.ts',
    summary: 'Runs the local edge that npm run chaos kills, until it is killed.',
    options: {
      state: text('where keys, objects and buckets are kept', { placeholder: 'DIR', default: '.local-edge' }),
      port: wholeNumber('port on 127.0.0.1; 0 takes a free one', { min: 0, max: 65_535, default: 0 }),
      batches: wholeNumber('batches of code cards that are printed first', { min: 0, max: 1_000, default: 0 }),
    },
  },
  async ({ state, port, batches }, { say }) => {
    const edge = await startLocalEdge({ state, port, vars: VARS });
    void keepJournal(edge.miniflare);
    const ready: Ready = {
      url: edge.url,
      publicPem: edge.publicPem,
      manifestPublicPem: edge.manifestPublicPem,
      batches: await printCards(edge.miniflare, batches),
    };
    say(JSON.stringify(ready));
    return 0;
  },
);
