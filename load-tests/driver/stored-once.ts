/** @module What each scenario that uploads asserts from the counters. */
import type { Assertion } from './context.ts';
import { sumOf } from './counters.ts';
import type { Seen } from './run-scenario.ts';

/** Real uploads, dummies and the flood's requests: what k6 told. */
const iterations = ({ value }: Seen): number => value('iterations', 'count');

/** Each accepted upload was stored by one call and redeemed by one pair; nothing else made a call (docs/architecture.md §4). @param reserve the call that reserves what authorises it */
export function storedOnce(seen: Seen, reserve = 'TanLedger.reserve'): Assertion[] {
  const accepted = seen.value('uploads_accepted', 'count');
  const [stored, reserved, committed] = ['SubmissionBuffer.accept', reserve, 'TanLedger.commit'].map((call) =>
    sumOf(seen.counters, call),
  );
  return [
    { text: `uploads accepted: ${accepted}, stored by ${stored} calls`, holds: accepted > 0 && stored === accepted },
    {
      text: `TANs or certificates reserved ${reserved} and committed ${committed} times, of ${iterations(seen)} requests`,
      holds: reserved === accepted && committed === accepted,
    },
  ];
}
