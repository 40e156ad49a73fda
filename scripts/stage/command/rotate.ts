/** @module stub */
import type { StageCommand } from './call.ts';
export const rotate: StageCommand = () => Promise.resolve(1);
