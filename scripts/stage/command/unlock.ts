/** @module `stage unlock`: takes away the lock that an apply left which was cut off, once a person knows that nobody applies. */
import { holderText, readLock, removeLock } from '../steps/lock.ts';
import { nameTyped, opened, type StageCommand } from './call.ts';

/** See the module. */
export const unlock: StageCommand = (call) =>
  opened(call, async (rollout) => {
    const { io, stage } = call;
    const note = await readLock(rollout);
    if (note === null) {
      io.print({ unlocked: false, held: null }, `${stage.name} isn't locked`);
      return 0;
    }
    if (!(await nameTyped(call, `${holderText(note)} Take the lock away only when you know that nobody is applying.`)))
      return 1;
    await removeLock(rollout);
    io.print({ unlocked: true, held: note }, `${stage.name} is unlocked`);
    return 0;
  });
