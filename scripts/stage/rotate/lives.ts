/**
 * @module How long what a key made lives: so long its former key is accepted beside the new one (docs/rotation.md). Seconds, each with its source.
 */
import { RETENTION_LIMITS } from '../../../domain/chunk-policy.ts';
import { COUNTS_KEPT_HOURS } from '../../../domain/publication/issue-groups.ts';
import { SESSION_LIFETIME_SECONDS } from '../../../domain/session.ts';
import { longestAnswerOfTan, MAX_TAN_LIFETIME_SECONDS } from '../../../domain/tan.ts';
import { CERTIFICATE_SECONDS } from '../../../protocol/publish/issued-certificate.ts';
import { TOKEN_LIFETIME_DAYS } from '../../../protocol/publish/revision-token.ts';
import { CONFIG_VALIDITY_SECONDS } from '../../../protocol/parameters/config-head.ts';

const HOUR = 3_600;
const DAY = 24 * HOUR;

/** How long something of a former key lives. */
export interface Life {
  /** From the moment when the last holder makes with the new key. */
  readonly seconds: number;
  /** What lives so long, and where that is decided. */
  readonly source: string;
}

const life = (seconds: number, source: string): Life => ({ seconds: Math.ceil(seconds), source });

/** By what was made. */
export const LIVES = {
  tan: life(
    longestAnswerOfTan(MAX_TAN_LIFETIME_SECONDS),
    'a TAN is answered for 14 days and 3 hours, full ones (domain/tan.ts); rows and reservations of it as long, and one that has expired is for the digest alone that reserved it',
  ),
  session: life(
    3 * SESSION_LIFETIME_SECONDS + DAY,
    'a test’s 60 days to its result, 60 that the result is shown, 60 that it is known to be over (domain/session.ts); a card’s session lives for 150, codes of Google’s dialect for a day. API keys live until they are revoked',
  ),
  permit: life(3 * HOUR, 'a permit is good in its hour, the one before and the next (domain/intake-permit.ts)'),
  knownKey: life(
    // An hour that is counted may lie a day ahead, as a key's period may end.
    Math.max((RETENTION_LIMITS.max + 2) * DAY, (COUNTS_KEPT_HOURS + 26) * HOUR),
    'a key is known until its retention ends, 14 days after its period; counts of issue ids are kept for 18 days and name hours a day ahead (domain/publication/issue-groups.ts), marks of peers’ keys for 16',
  ),
  revisionToken: life(
    (TOKEN_LIFETIME_DAYS + 1) * DAY,
    'a revision token opens for 15 days (protocol/publish/revision-token.ts), and clocks may be a day apart',
  ),
  signedFile: life(
    14 * DAY,
    'apps, Apple and Google learn of a key at different times; a file that the former key signed is listed for 14 days (docs/decisions/068)',
  ),
  formerDay: life(
    DAY,
    'a file that is lost is made again as it was, for a day after the last one (docs/decisions/068)',
  ),
  signedDocument: life(
    CONFIG_VALIDITY_SECONDS,
    'a configuration’s head is valid for 14 days (protocol/parameters/config-head.ts), longer than a manifest’s',
  ),
  journal: life(HOUR, 'the journal is sealed anew every five minutes (docs/decisions/038)'),
  openings: life(
    (RETENTION_LIMITS.max + 1) * DAY,
    'issue ids are sealed beside a record’s part and go with it, 14 days after its keys’ period (durable-objects/STORAGE.md)',
  ),
  certificate: life(
    CERTIFICATE_SECONDS + HOUR,
    'a certificate is good for 15 minutes (protocol/publish/issued-certificate.ts)',
  ),
  credential: life(8 * DAY, 'a credential is good for 7 days (protocol/credential/credential.ts)'),
  message: life(DAY, 'a message’s link is good for a day at most (domain/verification-codes.ts)'),
  list: life(
    0,
    'the list of laboratories stands, and is verified at each use, until one that the new key signed is published',
  ),
  batch: life(14 * DAY, 'a gateway keeps batches for 14 days, and readers verify each (docs/spec/europe.md §3)'),
  none: life(0, 'nothing that the former key made is asked again'),
} as const;
