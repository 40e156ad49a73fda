/** @module `upload` with the local clock. */
import { createApp } from '../../../workers/upload/app.ts';
import { clock } from './local-clock.ts';

export default createApp({ clock });
