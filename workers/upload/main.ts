/**
 * @module Composition of the deployed upload Worker: real time, and a log line that names hour and number alone.
 */
import { createOverrunCounter } from '../shared/overruns.ts';
import { createApp } from './app.ts';

export default createApp({
  clock: () => Date.now() / 1000,
  overruns: createOverrunCounter((line) => console.warn(line)),
});
