/** @module `upload` with the local clock. */
import { createApp } from '../../../workers/upload/app.ts';
import { createOverrunCounter } from '../../../workers/shared/overruns.ts';
import { clock } from './local-clock.ts';

export default createApp({ clock, overruns: createOverrunCounter((line) => console.warn(line)) });
