/**
 * @module How many rows the objects of test sessions hold, from a copy of their files: what a flood of `verification` leaves
 * behind is no figure that a Worker tells.
 */
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { temporaryFolder } from '../../scripts/support/command-line/interrupt.ts';

/** Rows in all shards. */
export interface SessionRows {
  readonly sessions: number;
  readonly claims: number;
}

/**
 * @param edge with a state directory; nobody writes to its sessions meanwhile
 * @returns the rows that are there; none before the first test is registered
 */
export function sessionRows(edge: LocalEdge): SessionRows {
  const { path: copy, remove } = temporaryFolder('session-rows');
  try {
    cpSync(join(edge.state, 'resources'), copy, { recursive: true, filter: (from) => !from.endsWith('-shm') });
    const files = readdirSync(copy, { recursive: true, withFileTypes: true })
      .filter(({ name, parentPath }) => /TestSession/.test(parentPath) && name.endsWith('.sqlite'))
      .filter(({ name }) => name !== 'metadata.sqlite')
      .map(({ name, parentPath }) => join(parentPath, name));
    const counts = files.map(countRows);
    return {
      sessions: counts.reduce((sum, { sessions }) => sum + sessions, 0),
      claims: counts.reduce((sum, { claims }) => sum + claims, 0),
    };
  } finally {
    remove();
  }
}

function countRows(file: string): SessionRows {
  const database = new DatabaseSync(file);
  try {
    const count = (table: string): number =>
      Number(database.prepare(`SELECT COUNT(*) AS n FROM ${table}`).get()?.['n']);
    return { sessions: count('test_session'), claims: count('test_claim') };
  } finally {
    database.close();
  }
}
