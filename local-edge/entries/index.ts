/** @module `index` with the local clock, counted. */
import { createApp } from '../../workers/index/app.ts';
import type { IndexEnv } from '../../workers/index/bindings.ts';
import { countedWorker } from './counters.ts';
import { clock } from './local-clock.ts';

export default countedWorker<IndexEnv>('index', createApp({ clock }), { r2: 'PUBLIC' });
