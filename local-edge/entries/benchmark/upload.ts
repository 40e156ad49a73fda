/** @module The deployed `upload`, on real time, which may answer before a deadline: what `npm run bench:upload` measures. */
import { createApp } from '../../../workers/upload/app.ts';

export default createApp({ clock: () => Date.now() / 1000, mayAnswerAtOnce: true });
