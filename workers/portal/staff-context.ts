/** @module What every staff page knows of who is asking. */
import type { Context } from 'hono';
import type { StaffRoom } from '../../durable-objects/staff-room/staff-room.ts';
import type { PortalConfig, PortalEnv } from './bindings.ts';
import type { Identity } from './identity-source.ts';
import type { LocalTime } from './local-time.ts';
import type { Texts } from './texts/en.ts';
import type { Language } from './texts/texts.ts';

/** A running session. */
interface StaffSessionContext {
  readonly idHash: string;
  /** What each form must send back. */
  readonly csrf: string;
  readonly language: Language;
  /** @returns what StaffRoom knows a form of this session by. @param once the form's own token */
  readonly formName: (once: string) => string;
  /** @returns the order of codes that a form of this session is (decision 033). @param once the form's own token */
  readonly orderOf: (once: string) => string;
}

/** hono's types for the staff routes. */
export interface Staff {
  Bindings: PortalEnv;
  Variables: {
    config: PortalConfig;
    /** Unix seconds at which the request came. */
    now: number;
    identity: Identity;
    room: DurableObjectStub<StaffRoom>;
    session: StaffSessionContext;
    texts: Texts;
    /** How times are written for this person. */
    times: LocalTime;
    /** The form of a POST, checked by middleware. */
    form: ReadonlyMap<string, string>;
    /** That form's own token. */
    once: string;
  };
}

export type StaffContext = Context<Staff>;

/** Writes an action into the audit log, before it is done. @param detail facts, never a code, never free text */
export async function audit(c: StaffContext, what: string, detail = ''): Promise<void> {
  await c.var.room.record({ who: auditedName(c), what, detail });
}

/** @returns who is asking, as the audit log has it: whose token it was too, for as long as the log is kept, since the list of tokens changes */
export function auditedName(c: StaffContext): string {
  const { subject, person } = c.var.identity;
  return subject.toLowerCase() === person ? subject : `${subject} (${person})`;
}
