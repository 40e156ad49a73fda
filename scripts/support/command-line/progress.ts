/**
 * @module A bar on a terminal, a line every tenth elsewhere. Takes writing and time as arguments.
 */

/** @param done of `total` in this phase */
export type OnProgress = (phase: string, done: number, total: number) => void;

const WIDTH = 30;
const MS_PER_SECOND = 1000;
/** A bar is redrawn at most this often. */
const REDRAW_MS = 100;

export interface Terminal {
  readonly isTty: boolean;
  readonly write: (text: string) => void;
  /** Milliseconds since any instant. */
  readonly now: () => number;
}

function duration(ms: number): string {
  const seconds = Math.round(ms / MS_PER_SECOND);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/**
 * @param terminal where to
 * @returns takes how far a phase is
 */
export function progressBar({ isTty, write, now }: Terminal): OnProgress {
  let [phase, began, drawn, tenth] = ['', 0, Number.NEGATIVE_INFINITY, -1];
  return (name, done, total) => {
    const at = now();
    if (name !== phase) [phase, began, drawn, tenth] = [name, at, Number.NEGATIVE_INFINITY, -1];
    const share = total === 0 ? 1 : done / total;
    const left = done > 0 && done < total ? `, ${duration(((at - began) / share) * (1 - share))} left` : '';
    const text = `${name.padEnd(16)} ${String(Math.floor(share * 100)).padStart(3)} %  ${done}/${total}${left}`;
    if (!isTty) {
      if (Math.floor(share * 10) === tenth) return;
      tenth = Math.floor(share * 10);
      write(`${text}\n`);
      return;
    }
    if (done < total && at - drawn < REDRAW_MS) return;
    drawn = at;
    const full = Math.round(share * WIDTH);
    write(`\r\u001b[K[${'#'.repeat(full)}${'.'.repeat(WIDTH - full)}] ${text}${done >= total ? '\n' : ''}`);
  };
}
