/** @module `index` with the local clock. */
import { createApp } from '../../../workers/index/app.ts';
import { clock } from './local-clock.ts';

export default createApp({ clock });
