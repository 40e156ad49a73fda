/**
 * @module The clock Worker of the local edge: real time until somebody sets it, then it stands still until it is set
 * again. `GET /local/clock` → `{"now": 1606262400, "real": false}`; `PUT /local/clock` with `{"now": 1606262400}` sets it,
 * with `{"now": null}` real time returns. The state survives a restart.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

interface ClockEnv {
  readonly CLOCK_STATE: DurableObjectNamespace<ClockState>;
}

/** Where the clock was set to is kept here; null means real time. */
export class ClockState extends DurableObject {
  async read(): Promise<number | null> {
    return (await this.ctx.storage.get<number>('now')) ?? null;
  }

  async write(now: number | null): Promise<void> {
    await (now === null ? this.ctx.storage.delete('now') : this.ctx.storage.put('now', now));
  }
}

// One isolate serves all calls to this Worker, so the storage is read once; undefined: not read yet.
let setTo: number | null | undefined;

const stateOf = (env: ClockEnv) => env.CLOCK_STATE.getByName('clock');

async function timeOf(env: ClockEnv): Promise<number> {
  if (setTo === undefined) setTo = await stateOf(env).read();
  return setTo ?? Math.floor(Date.now() / 1000);
}

/** RPC for the other Workers. */
export class LocalClock extends WorkerEntrypoint<ClockEnv> {
  async now(): Promise<number> {
    return timeOf(this.env);
  }
}

export default {
  async fetch(request: Request, env: ClockEnv): Promise<Response> {
    if (request.method === 'PUT') {
      const wanted = ((await request.json().catch(() => ({}))) as { now?: unknown }).now;
      if (wanted !== null && !(Number.isSafeInteger(wanted) && (wanted as number) >= 0)) {
        return Response.json({ error: '"now" must be whole Unix seconds, or null for real time' }, { status: 400 });
      }
      await stateOf(env).write(wanted as number | null);
      setTo = wanted as number | null;
    } else if (request.method !== 'GET') {
      return new Response(null, { status: 405, headers: { allow: 'GET, PUT' } });
    }
    return Response.json(
      { now: await timeOf(env), real: setTo === null },
      { headers: { 'cache-control': 'no-store' } },
    );
  },
} satisfies ExportedHandler<ClockEnv>;
