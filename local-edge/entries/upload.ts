/** @module `upload` with the local clock, counted, and with the test authority where `npm start -- --allow-test-authority` says so. */
import { createApp } from '../../workers/upload/app.ts';
import { countedWorker } from './counters.ts';
import { clock } from './local-clock.ts';
import { certified } from './test-authority.ts';

export default countedWorker('upload', createApp({ clock, mayAnswerAtOnce: true, certified }));
