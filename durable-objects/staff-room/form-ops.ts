/**
 * @module Which forms were sent, so that each is acted on once (decision 033). A form is named by a hash over the session and the
 * token that the form alone carries; kept beside it is where its answer is shown, never what it says.
 *
 * What a crash leaves: a form that is being worked on. Once its lease is over the same form may be acted on again, and whatever
 * makes codes finds its booking by the form's name, so nothing is made twice.
 */
import { LONGEST_SECONDS } from './session-ops.ts';

/** Whoever works on a form for longer is taken for dead; the slowest takes some seconds, and the platform ends all after 30. */
export const FORM_LEASE_SECONDS = 60;

/** first: act on it. running: another request does. answered: `location` shows what came of it. */
export type FormReply =
  | { readonly kind: 'first' }
  | { readonly kind: 'running' }
  | { readonly kind: 'answered'; readonly location: string };

type FormRow = { begun_at: number; answer: string | null };

/** Takes a form, unless it was taken. @param id name of the form, hex @param now Unix seconds */
export function takeForm(sql: SqlStorage, id: string, now: number): FormReply {
  const row = sql.exec<FormRow>('SELECT begun_at, answer FROM form WHERE id = ?', id).toArray()[0];
  if (row !== undefined && row.answer !== null) return { kind: 'answered', location: row.answer };
  if (row !== undefined && now < row.begun_at + FORM_LEASE_SECONDS) return { kind: 'running' };
  sql.exec('INSERT OR REPLACE INTO form VALUES (?, ?, NULL)', id, now);
  return { kind: 'first' };
}

/** Keeps where the answer of a form is shown; without one it was not acted on, and may be sent again. */
export function answerForm(sql: SqlStorage, id: string, location: string | null): void {
  if (location === null) sql.exec('DELETE FROM form WHERE id = ? AND answer IS NULL', id);
  else sql.exec('UPDATE form SET answer = ? WHERE id = ?', location, id);
}

/** @returns where the answer of a form is shown, or null when there is none */
export function formAnswer(sql: SqlStorage, id: string): string | null {
  return sql.exec<FormRow>('SELECT begun_at, answer FROM form WHERE id = ?', id).toArray()[0]?.answer ?? null;
}

/** Forgets forms whose session has ended at the latest. @param now Unix seconds */
export function forgetForms(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM form WHERE begun_at <= ?', now - LONGEST_SECONDS);
}
