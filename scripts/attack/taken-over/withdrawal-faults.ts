/**
 * @module Faults put there on purpose, which the attack on withdrawals must find: each an `Intake` in front of the real one.
 */
import { ROW_BYTES, TEK_OFFSET } from '../../../domain/publication/packed-keys.ts';
import { inPlaceOf } from './upload-faults.ts';

/** @param name of the Worker @param withdraw body of the method, with `openings`, `this.env.INTAKE` and `this.env.SUBMISSION_BUFFER` */
const withdrawingBy = (name: string, withdraw: string) =>
  inPlaceOf('INTAKE', 'Intake', () => ({
    name,
    modules: [
      {
        type: 'ESModule',
        path: `${name}.js`,
        contents: `
import { WorkerEntrypoint } from 'cloudflare:workers';
const teksOf = (openings) => Uint8Array.from(openings.flatMap(({ keyData }) => [...keyData]));
export class Intake extends WorkerEntrypoint {
  policy() { return this.env.INTAKE.policy(); }
  accept(...args) { return this.env.INTAKE.accept(...args); }
  async withdraw(openings) { ${withdraw} }
}
export default { fetch: () => new Response(null, { status: 404 }) };`,
      },
    ],
    serviceBindings: { INTAKE: { name: 'exposure-edge-origin', entrypoint: 'Intake' } },
    r2Buckets: { PRIVATE: 'exposure-edge-private' },
    durableObjects: {
      SUBMISSION_BUFFER: { className: 'SubmissionBuffer', scriptName: 'exposure-edge-origin', useSQLite: true },
      PUBLISHER: { className: 'Publisher', scriptName: 'exposure-edge-origin', useSQLite: true },
    },
  }));

const DROP = `
  const { dropped } = await this.env.SUBMISSION_BUFFER.getByName('buffer').dropWaiting({ id: crypto.randomUUID(), teks: teksOf(openings) });`;

/** Rows of the private records that hold one of the keys. */
const TAKE = `
  const wanted = new Set(openings.map(({ keyData }) => String(keyData)));
  const parts = [];
  for (const { key } of (await this.env.PRIVATE.list({ prefix: 'sets/' })).objects) {
    const [, hour, day, n] = /^sets\\/(\\d+)\\/(\\d+)-(\\d+)\\.bin$/.exec(key) ?? [];
    if (n === undefined) continue;
    const bytes = new Uint8Array(await (await this.env.PRIVATE.get(key)).arrayBuffer());
    const rows = [];
    for (let row = 0; row * ${ROW_BYTES} < bytes.length; row++) {
      const at = row * ${ROW_BYTES} + ${TEK_OFFSET};
      if (wanted.has(String(bytes.subarray(at, at + 16)))) rows.push(row);
    }
    if (rows.length > 0) parts.push({ hour: Number(hour), day: Number(day), n: Number(n), rows: Uint32Array.from(rows) });
  }
  const id = crypto.randomUUID();
  if (parts.length > 0) await this.env.PUBLISHER.getByName('publisher').takeBack({ id, cause: 'withdrawal', parts });`;

/** A key's own bytes are enough. */
export const forgetful = withdrawingBy('forgetful-intake', `${DROP} ${TAKE} return 'heard';`);

/** Says whether anything waited. */
export const tellTale = withdrawingBy('tell-tale-intake', `${DROP} return dropped > 0 ? 'gone' : 'heard';`);

/** Nobody is told to try later. */
export const unpaced = withdrawingBy('unpaced-intake', `await this.env.INTAKE.withdraw(openings); return 'heard';`);
