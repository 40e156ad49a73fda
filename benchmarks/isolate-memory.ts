/**
 * @module Memory of one Worker's isolate, as V8 counts it: the heap it has reserved and the array buffers outside it. That
 * is what the platform limits to 128 MB (decision 013); the resident set of a local workerd also holds the simulated R2,
 * SQLite and the other Workers. Read through the inspector: a stretch of JavaScript without a pause gives no sample.
 */
import type { LocalEdge } from '../local-edge/local-edge.ts';

/** What V8 says about an isolate (CDP `Runtime.getHeapUsage`), bytes. */
interface HeapUsage {
  readonly totalSize: number;
  readonly backingStorageSize: number;
}

const SAMPLE_MS = 10;
const MIB = 2 ** 20;

/**
 * Begins to watch an isolate.
 *
 * @param edge started with `inspect`
 * @param worker its name in wrangler.toml
 * @returns ends the watch: MiB at its begin, and its peak above that
 * @throws Error when the inspector doesn't know the Worker
 */
export async function watchIsolate(
  edge: LocalEdge,
  worker: string,
): Promise<() => Promise<{ readonly idle: number; readonly above: number }>> {
  const base = await edge.miniflare.getInspectorURL();
  const targets = (await (await fetch(`http://${base.host}/json`)).json()) as {
    readonly id: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const target = targets.find(({ id }) => id === `core:user:${worker}`);
  if (target === undefined) throw new Error(`the inspector doesn't know ${worker}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  const ask = async (): Promise<number> => {
    const answer = new Promise<HeapUsage>((resolve) =>
      socket.addEventListener(
        'message',
        ({ data }) => resolve((JSON.parse(String(data)) as { result: HeapUsage }).result),
        {
          once: true,
        },
      ),
    );
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' }));
    const { totalSize, backingStorageSize } = await answer;
    return (totalSize + backingStorageSize) / MIB;
  };
  const idle = await ask();
  let peak = idle;
  const stop = new AbortController();
  const watching = (async () => {
    while (!stop.signal.aborted) {
      peak = Math.max(peak, await ask());
      await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    }
  })();
  return async () => {
    stop.abort();
    await watching;
    socket.close();
    return { idle, above: peak - idle };
  };
}
