/**
 * @module `npm run serve`: the Workers on one's own hardware (docs/own-hardware.md).
 */
import { existsSync } from 'node:fs';
import { SERVE } from './serve/declaration.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { untilInterrupted } from './support/command-line/interrupt.ts';

/** Said to whoever types it without anything. */
const NEEDS = (file: string): string =>
  `${file}: there is no such file, and serving needs one. Without any: npm run serve -- trial shows all of it on this machine;
npm run serve -- init --out DIR makes the file, secrets and keys. What else it takes (an S3 service, nginx, util-linux): docs/own-hardware.md.`;

function needed<T>(value: T | null, name: string, action: string): T {
  if (value === null) throw new UsageError(`${name}: ${action} needs it`);
  return value;
}

await run(SERVE, async (given, { say, print, progress }) => {
  const { action, config, secrets, 'store-credentials': storeCredentials } = given;
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  switch (action) {
    case 'run':
    case 'check': {
      if (!existsSync(config)) throw new UsageError(NEEDS(config));
      // Loaded late, here and below: --help and a wrong call answer at once.
      const { readSettings } = await import('./support/serve/settings.ts');
      const settings = await readSettings(config, { secrets, storeCredentials });
      const { checkServing, startServing } = await import('./support/serve/server.ts');
      if (action === 'check') {
        await checkServing(settings);
        print({ ok: true }, `${config} is right, and the store holds what is put there`);
        return 0;
      }
      const serving = await startServing(settings, log);
      const stopped = untilInterrupted();
      say(`exposure-edge serves on ${serving.url}  (state in ${settings.state}; nginx: deploy/nginx)`);
      for (const [worker, socket] of Object.entries(serving.keepers)) say(`${worker}: ${socket}`);
      const broken = await Promise.race([stopped.then(() => null), serving.broken]);
      await serving.stop();
      if (broken !== null) throw new Error(`${broken}: phones were not answered any more`);
      say('exposure-edge has stopped.');
      return 0;
    }
    case 'backup':
    case 'put-back': {
      if (!existsSync(config)) throw new UsageError(NEEDS(config));
      const { BUCKETS, readSettings } = await import('./support/serve/settings.ts');
      const { backUp, putBack } = await import('./serve/copies.ts');
      const settings = await readSettings(config, { secrets, storeCredentials });
      if (action === 'backup') {
        const out = needed(given.out, '--out', action);
        const counts = await backUp(settings, out, (done) => progress('objects', done, done));
        const text = Object.entries(counts).map(([name, count]) => `${count} objects of ${name}`);
        print(
          counts,
          `copied ${text.join(', ')} into ${out}; is it whole: npm run log -- verify --private ${out}/private`,
        );
        return 0;
      }
      const bucket = needed(given.bucket, '--bucket', action);
      const name = BUCKETS.find((one) => one === bucket);
      if (name === undefined) throw new UsageError(`--bucket: must be one of ${BUCKETS.join(', ')}`);
      const done = await putBack(settings, name, needed(given.from, '--from', action));
      print(done, `put ${done.put} objects into ${bucket}; ${done.there} lay there already`);
      return 0;
    }
    case 'init': {
      const { initServing } = await import('./serve/init.ts');
      const out = needed(given.out, '--out', action);
      const offline = initServing(out);
      const lines = offline.map((file) => `  ${file}`).join('\n');
      print(
        { out, offline },
        `made ${out}: edit serve.toml and store.json. Carry away, and delete here, what could undo, restore or admit laboratories:\n${lines}`,
      );
      return 0;
    }
    case 'test-bucket': {
      const { openStore } = await import('./support/serve/store/s3.ts');
      const { testBucket } = await import('./support/serve/store/bucket-test.ts');
      const { readCredentials } = await import('./support/serve/settings.ts');
      const store = openStore({
        endpoint: needed(given.endpoint, '--endpoint', action),
        region: given.region,
        pathStyle: !given['virtual-host'],
        credentials: readCredentials(storeCredentials),
      });
      const bucket = needed(given.bucket, '--bucket', action);
      const rows = await testBucket(store, bucket, undefined, (done, of) => progress('rows', done, of));
      store.dispose();
      const broken = rows.filter(({ fault }) => fault !== null);
      const table = rows.map(({ name, fault }) => (fault === null ? `holds   ${name}` : `BROKEN  ${name}: ${fault}`));
      const sum =
        broken.length === 0
          ? 'It can be served from.'
          : `${broken.length} of ${rows.length} do not hold: it can’t be served from.`;
      print({ rows, ok: broken.length === 0 }, [...table, sum].join('\n'));
      return broken.length === 0 ? 0 : 1;
    }
    case 'trial': {
      const { playTrial, startTrial } = await import('./serve/trial.ts');
      const options = { realTime: given['real-time'], people: given.people, say, onLog: log };
      const running = await startTrial(options);
      try {
        const result = await playTrial(running, options);
        print(
          { ...result, url: running.serving.url, edges: running.tier.edges },
          `It works: ${result.keys} keys of ${result.uploads} people, each listed once in ${Object.keys(result.listed).join(' and ')} (${result.seconds} s).`,
        );
        if (given.stay) {
          say('Ctrl-C ends it.');
          await untilInterrupted();
        }
      } finally {
        await running.stop();
      }
      return 0;
    }
  }
});
