/**
 * @module Composition of the deployed upload Worker: real time.
 */
import { createApp } from './app.ts';

export default createApp({ clock: () => Date.now() / 1000 });
