/**
 * @module The parts of `verification` put together, once for each environment: routes and entrypoints share them.
 */
import { parsedOnce } from '../shared/env.ts';
import { parseVerificationConfig, type VerificationConfig, type VerificationEnv } from './bindings.ts';
import { Credentials } from './credentials.ts';
import { Desk } from './desk.ts';
import { Codes } from './google/codes.ts';
import { Issues } from './issues.ts';
import { Ledger } from './ledger.ts';
import { Presentations } from './presentations.ts';
import { RollbackBooks } from './rollback.ts';
import { Sessions } from './sessions.ts';

/** Everything a route or an entrypoint may use. */
export interface Services {
  readonly config: VerificationConfig;
  readonly ledger: Ledger;
  readonly issues: Issues;
  readonly sessions: Sessions;
  readonly desk: Desk;
  readonly rollback: RollbackBooks;
  readonly credentials: Credentials;
  readonly presentations: Presentations;
  readonly codes: Codes;
}

/** @param env bindings @returns the services over them @throws ConfigError naming the variable that is wrong */
export const servicesOf = parsedOnce((env: VerificationEnv): Services => {
  const config = parseVerificationConfig(env);
  const ledger = new Ledger(env, config);
  const issues = new Issues(env);
  const sessions = new Sessions(env, config, ledger, issues);
  const desk = new Desk(env, sessions, ledger);
  return {
    config,
    ledger,
    issues,
    sessions,
    desk,
    rollback: new RollbackBooks(env, desk, ledger),
    credentials: new Credentials(env, config, sessions),
    presentations: new Presentations(env, config),
    codes: new Codes(env, config),
  };
});
