/**
 * @module Entry file of the deployed `config` Worker: real time, and nothing else to compose.
 */
import { createApp } from './app.ts';

export default createApp({ clock: () => Date.now() / 1000 });
