/**
 * @module What an object's clock says of itself, and who may tell it the time (docs/architecture.md §11).
 */

/** How far an object believes its clock (docs/architecture.md §11). */
export interface ClockStatus {
  /** e.g. `publisher`, `session-a` */
  readonly object: string;
  /** Its own clock, Unix seconds. */
  readonly now: number;
  /** The last instant that a second source of time confirmed, Unix seconds; null before the first. */
  readonly confirmed: number | null;
  /** True: its clock is too far ahead of that; it publishes and deletes nothing that falls due later. */
  readonly held: boolean;
}

/** What each Worker with objects that publish or delete offers: to tell their clocks, and to be told the time. */
export interface ClocksRpc {
  clocks(): Promise<readonly ClockStatus[]>;
  /** @param at Unix seconds that another clock says */
  confirmClocks(at: number): Promise<readonly ClockStatus[]>;
}
