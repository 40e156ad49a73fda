/**
 * @module `origin` as it is deployed, on real time.
 */
import { originHandler } from './app.ts';
import { createIntake } from './entrypoints.ts';
import { createExchange } from './exchange.ts';

export { ParameterStore } from '../../durable-objects/parameter-store/parameter-store-do.ts';
export { Publisher } from '../../durable-objects/publisher/publisher-do.ts';
export { SubmissionBuffer } from '../../durable-objects/submission-buffer/submission-buffer-do.ts';
export { BackOffice, Policy } from './entrypoints.ts';
export const Intake = createIntake(() => Date.now() / 1000);
export const Exchange = createExchange(() => Date.now() / 1000);
export default originHandler;
