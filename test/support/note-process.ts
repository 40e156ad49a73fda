/**
 * @module Set-up file of tests that run in Node: notes on each test file which process ran it, for process-reporter.ts.
 */
import { afterEach } from 'vitest';
import { figuresOf } from './process-table.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** The worker that runs the file, at the end of a test. */
    ranIn?: { readonly pid: number; readonly peakMb: number };
  }
}

afterEach(({ task }) => {
  task.file.meta.ranIn = { pid: process.pid, peakMb: figuresOf(process.pid)?.peakMb ?? 0 };
});
