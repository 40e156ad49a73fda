/**
 * @module The workerd behind the port: started when somebody asks, started anew when what is deployed has changed, never beneath a request.
 */
import type { Miniflare } from 'miniflare';
import { mkdirSync } from 'node:fs';
import { driveCrons } from '../crons.ts';
import { endOrphan, forgetWorkerd, noteWorkerd } from '../orphan.ts';
import { removeFolder } from '../remove-folder.ts';
import {
  type ListedObject,
  mainVersionOf,
  type Target,
  type UploadedAccount,
  type UploadedBucket,
  type UploadedOptions,
} from './account.ts';
import { endConnections } from './pass-on.ts';

/** What a caller may do while workerd doesn't change beneath it. */
export interface Running {
  portOf(): number;
  nameOf(target: Target & { readonly kind: 'worker' }): string;
  list(bucket: UploadedBucket): Promise<ListedObject[]>;
  get(bucket: UploadedBucket, key: string): Promise<FoundObject | null>;
  remove(bucket: UploadedBucket, key: string): Promise<void>;
}

/** An object with its bytes. */
interface FoundObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

// Miniflare and wrangler take most of a second to load: who only asks the API doesn't wait for them.
const load = async () => ({
  ...(await import('../run-workers.ts')),
  ...(await import('./compose.ts')),
});

type Loaded = Awaited<ReturnType<typeof load>>;

/** Everything for which workerd must be started anew: which versions run, and in which one objects live, not how requests are shared out. */
const fingerprint = ({ workers, buckets }: UploadedAccount): string =>
  JSON.stringify([
    workers.map((worker) => [
      worker.name,
      worker.classes,
      worker.crons,
      mainVersionOf(worker).id,
      worker.versions.map((version) => ({ ...version, percentage: null })),
    ]),
    buckets,
  ]);

/** See the module. */
export class Runtime {
  readonly #options: UploadedOptions;
  #miniflare: Miniflare | undefined;
  #loaded: Loaded | undefined;
  #port = 0;
  #running = '';
  #dirty = true;
  #inFlight = 0;
  #drained: (() => void) | undefined;
  #settling: Promise<void> | undefined;
  #endCrons = (): void => undefined;
  /** What runs, as of the last `settle`. */
  account: UploadedAccount;

  /** @param options of the edge */
  constructor(options: UploadedOptions) {
    this.#options = options;
    this.account = options.read();
    mkdirSync(options.state, { recursive: true, mode: 0o700 });
  }

  /** Something was deployed. */
  changed(): void {
    this.#dirty = true;
  }

  /** Waits until what is deployed is what runs. */
  async settle(): Promise<void> {
    while (this.#settling !== undefined || this.#dirty) {
      this.#settling ??= this.#apply().finally(() => {
        this.#settling = undefined;
      });
      await this.#settling;
    }
  }

  /**
   * @param work that needs workerd to stay as it is
   * @returns what it returns
   */
  async use<T>(work: (running: Running) => Promise<T>): Promise<T> {
    await this.settle();
    this.#inFlight += 1;
    try {
      return await work(this.#workers());
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#drained?.();
    }
  }

  async dispose(): Promise<void> {
    await this.#settling;
    this.#endCrons();
    endConnections();
    if (this.#miniflare === undefined) return;
    await this.#miniflare.dispose();
    forgetWorkerd(this.#options.state);
    if (this.#loaded !== undefined) removeFolder(this.#loaded.scratchOf(this.#options.state));
  }

  async #apply(): Promise<void> {
    this.#dirty = false;
    try {
      await this.#follow();
    } catch (error) {
      // The next request tries again.
      this.#dirty = true;
      throw error;
    }
  }

  async #follow(): Promise<void> {
    const account = this.#options.read();
    const wanted = fingerprint(account);
    if (wanted !== this.#running) {
      // New ones wait in `settle` meanwhile.
      if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
      this.#drained = undefined;
      await this.#start(account);
      this.#running = wanted;
    }
    this.account = account;
  }

  async #start(account: UploadedAccount): Promise<void> {
    const { state, onLog } = this.#options;
    this.#loaded ??= await load();
    const { composeUploaded, runOthers, runWorkers } = this.#loaded;
    const options = { state, onLog, port: this.#port, workers: composeUploaded(account) };
    this.#endCrons();
    if (this.#miniflare === undefined) {
      await endOrphan(state);
      const miniflare = runWorkers(options);
      try {
        this.#port = Number((await miniflare.ready).port);
      } catch (error) {
        await miniflare.dispose().catch(() => undefined);
        throw error;
      }
      noteWorkerd(state);
      this.#miniflare = miniflare;
    } else {
      // Connections to the workerd of before, which nobody uses now.
      endConnections();
      await runOthers(this.#miniflare, options);
    }
    this.#endCrons = driveCrons(this.#miniflare, account.workers, onLog);
  }

  #workers(): Running {
    const { runtimeName, bucketId, ENTRY_WORKER } = this.#loaded as Loaded;
    const bucketOf = (bucket: UploadedBucket) =>
      (this.#miniflare as Miniflare).getR2Bucket(bucketId(bucket), ENTRY_WORKER);
    return {
      portOf: () => this.#port,
      nameOf: ({ worker, version }) => runtimeName(worker, version),
      async list(bucket) {
        const opened = await bucketOf(bucket);
        const listed: ListedObject[] = [];
        let cursor: string | undefined;
        do {
          const page = await opened.list(cursor === undefined ? {} : { cursor });
          listed.push(...page.objects.map(({ key, size, etag, uploaded }) => ({ key, size, etag, uploaded })));
          cursor = page.truncated ? page.cursor : undefined;
        } while (cursor !== undefined);
        return listed;
      },
      async get(bucket, key) {
        const object = await (await bucketOf(bucket)).get(key);
        if (object === null) return null;
        const { contentType, cacheControl, contentEncoding } = object.httpMetadata ?? {};
        const headers = {
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...(cacheControl === undefined ? {} : { 'cache-control': cacheControl }),
          ...(contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding }),
        };
        return { bytes: new Uint8Array(await object.arrayBuffer()), etag: object.httpEtag, headers };
      },
      async remove(bucket, key) {
        await (await bucketOf(bucket)).delete(key);
      },
    };
  }
}
