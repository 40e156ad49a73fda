/**
 * @module The clock Worker of the local edge: real time until somebody sets it, then it stands still until it is set
 * again. `GET /local/clock` → `{"now": 1606262400, "real": false}`; `PUT /local/clock` with `{"now": 1606262400}` sets it,
 * with `{"now": null}` real time returns. The state survives a restart. The objects' second source of time says the same,
 * unless it is set apart: `{"now": 1607000000, "second": 1606262400}` is a clock that jumped.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';

interface ClockEnv {
  readonly CLOCK_STATE: DurableObjectNamespace<ClockState>;
}

/** Where a clock was set to; null means real time, and for the second one: as the first. */
interface Setting {
  readonly now: number | null;
  readonly second: number | null;
}

/** Where the clock was set to is kept here. */
export class ClockState extends DurableObject {
  async read(): Promise<Setting> {
    return (await this.ctx.storage.get<Setting>('setting')) ?? { now: null, second: null };
  }

  async write(setting: Setting): Promise<void> {
    await this.ctx.storage.put('setting', setting);
  }
}

// One isolate serves all calls to this Worker, so the storage is read once; undefined: not read yet.
let setting: Setting | undefined;

const stateOf = (env: ClockEnv) => env.CLOCK_STATE.getByName('clock');

async function settingOf(env: ClockEnv): Promise<Setting> {
  return (setting ??= await stateOf(env).read());
}

async function timeOf(env: ClockEnv): Promise<number> {
  return (await settingOf(env)).now ?? Math.floor(Date.now() / 1000);
}

const isTime = (value: unknown): value is number | null =>
  value === null || (Number.isSafeInteger(value) && (value as number) >= 0);

/** RPC for the other Workers. */
export class LocalClock extends WorkerEntrypoint<ClockEnv> {
  async now(): Promise<number> {
    return timeOf(this.env);
  }

  async second(): Promise<number> {
    return (await settingOf(this.env)).second ?? timeOf(this.env);
  }
}

export default {
  async fetch(request: Request, env: ClockEnv): Promise<Response> {
    if (request.method === 'PUT') {
      const { now, second = null } = (await request.json().catch(() => ({}))) as { now?: unknown; second?: unknown };
      if (!isTime(now) || !isTime(second)) {
        return Response.json({ error: '"now" must be whole Unix seconds, or null for real time' }, { status: 400 });
      }
      await stateOf(env).write({ now, second });
      setting = { now, second };
    } else if (request.method !== 'GET') {
      return new Response(null, { status: 405, headers: { allow: 'GET, PUT' } });
    }
    return Response.json(
      { now: await timeOf(env), real: (await settingOf(env)).now === null },
      { headers: { 'cache-control': 'no-store' } },
    );
  },
} satisfies ExportedHandler<ClockEnv>;
