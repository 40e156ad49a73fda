/** @module `upload` with the local clock, counted. */
import { createApp } from '../../workers/upload/app.ts';
import { countedWorker } from './counters.ts';
import { clock } from './local-clock.ts';

export default countedWorker('upload', createApp({ clock, mayAnswerAtOnce: true }));
