/**
 * @module Faults put there on purpose, which the attack on withdrawals must find: each an `Intake` in front of the real one.
 */
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
    durableObjects: {
      SUBMISSION_BUFFER: { className: 'SubmissionBuffer', scriptName: 'exposure-edge-origin', useSQLite: true },
    },
  }));

const DROP = `
  const { dropped } = await this.env.SUBMISSION_BUFFER.getByName('buffer').dropWaiting({ id: crypto.randomUUID(), teks: teksOf(openings) });`;

/** A key's own bytes are enough. */
export const forgetful = withdrawingBy('forgetful-intake', `${DROP} return 'heard';`);

/** Says whether anything waited. */
export const tellTale = withdrawingBy('tell-tale-intake', `${DROP} return dropped > 0 ? 'gone' : 'heard';`);

/** Nobody is told to try later. */
export const unpaced = withdrawingBy('unpaced-intake', `await this.env.INTAKE.withdraw(openings); return 'heard';`);
