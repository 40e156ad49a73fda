/** @module `config` with the local clock. */
import { createApp } from '../../workers/config/app.ts';
import { clock } from './local-clock.ts';

export default createApp({ clock });
