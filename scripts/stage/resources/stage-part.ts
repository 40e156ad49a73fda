/** @module Which part of a stage is the account's beside its Workers. */
import type { Stage } from '../file/stage.ts';

/** What resources read of a stage. */
export type StageOfResources = Pick<
  Stage,
  | 'name'
  | 'jurisdiction'
  | 'country'
  | 'regions'
  | 'zone'
  | 'hosts'
  | 'download'
  | 'access'
  | 'laboratories'
  | 'federation'
  | 'staff'
  | 'workers'
>;
