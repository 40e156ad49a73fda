/** @module How each secret is changed (docs/rotation.md has the same as a table for people). One that wrangler.toml requires and that has no rule here fails a test. */
import { LIVES } from './lives.ts';
import {
  type OfflineRule,
  type PartOfAnother,
  type RingRule,
  type RotationRule,
  type BroughtRule,
  type SigningRule,
  UNTIL,
} from './rule.ts';

const ring = (rule: Omit<RingRule, 'kind' | 'outside'> & Partial<Pick<RingRule, 'outside'>>): RingRule => ({
  kind: 'ring',
  outside: {},
  ...rule,
});

const API_KEYS = [
  'every API key of Google’s dialect that was made before phase “make” is issued anew (the portal lists when each was), and apps and administrators use the new ones',
];

const RINGS: readonly RingRule[] = [
  ring({
    secret: 'TAN_MAC_KEY',
    holders: ['verification', 'upload'],
    makes: 'the MAC within a TAN, by which upload refuses made-up ones without asking',
    life: LIVES.tan,
    cost: 'TANs that are out become forgeries, up to 14 days of them, and CWA’s apps keep the one they have as long: issue new ones. A session may be given the TAN once more that it has used, while that would have lived',
  }),
  ring({
    secret: 'TAN_HASH_KEY',
    holders: ['verification'],
    makes:
      'names of rows of verification: TANs and certificates, sessions, claims to tests, codes, telephone numbers, API keys',
    life: LIVES.session,
    outside: { drop: API_KEYS },
    cost: 'every session, TAN, code and API key that is out is unknown; a test may be registered once more',
  }),
  ring({
    secret: 'DIGEST_KEY',
    holders: ['upload'],
    makes: 'digests that tell a retry from another upload',
    life: LIVES.tan,
    cost: 'a phone that retries over the change is told that its TAN is in use, and can try again after the lease',
  }),
  ring({
    secret: 'UPLOAD_ID_KEY',
    holders: ['upload'],
    makes: 'the id by which origin knows an upload, out of its reservation',
    life: LIVES.tan,
    cost: 'a phone whose upload is under way is told to try later until its TAN ends, 14 days at most',
  }),
  ring({
    secret: 'PERMIT_KEY',
    holders: ['origin', 'verification'],
    makes: 'permits of verification, receipts of origin that an upload id is dead',
    life: LIVES.permit,
    cost: 'uploads between the first and the last deployment are told to try later; their phones do',
  }),
  ring({
    secret: 'DERIVATION_KEY',
    holders: ['verification'],
    makes: 'names of sessions, registration tokens, codes and tokens of Google’s dialect, API keys',
    life: LIVES.session,
    outside: { drop: API_KEYS },
    cost: 'every running session ends: people scan again, with a date of birth once their result is posted and unless they were given a TAN; a test without one may be shared once more. TeleTANs and cards that are out are unknown, so are tokens and API keys of Google’s dialect; its codes hold, and are told otherwise where the same order is given again: issue new ones',
  }),
  ring({
    secret: 'KNOWN_KEY_HASH_KEY',
    holders: ['origin'],
    makes: 'hashes by which published keys, issue ids and peers’ keys are known again',
    life: LIVES.knownKey,
    cost: 'keys that were accepted before may be accepted and published once more; withdrawals of published keys open nothing, peers can’t take theirs back, and counts of large sources begin anew',
  }),
  ring({
    secret: 'SMS_WEBHOOK_SECRET',
    holders: ['verification'],
    makes:
      'the signature by which the SMS gateway knows our posts; a post that it refuses is signed with the next key of the ring and sent again',
    life: LIVES.none,
    outside: {
      drop: [
        'the SMS gateway has the new secret, and it alone (sealed to the operator in offline/, to be handed over)',
      ],
    },
    cost: 'no SMS leaves until the gateway has the new secret',
  }),
  ring({
    secret: 'REVISION_TOKEN_KEY',
    holders: ['origin'],
    makes: 'revision tokens of Google’s dialect',
    life: LIVES.revisionToken,
    cost: 'tokens that phones hold are worth nothing: who shared keys can say nothing else of them any more',
  }),
];

const signing = (
  rule: Omit<SigningRule, 'kind' | 'former' | 'otherKeysVariable'> &
    Partial<Pick<SigningRule, 'former' | 'otherKeysVariable'>>,
): SigningRule => ({ kind: 'signing', former: null, otherKeysVariable: null, ...rule });

const SIGNING: readonly SigningRule[] = [
  signing({
    secret: 'EXPORT_SIGNING_KEY',
    holders: ['origin'],
    makes: 'signatures of exports, of batches for peers, of CWA’s configuration',
    idVariable: 'EXPORT_KEY_VERSION',
    former: {
      secret: 'EXPORT_FORMER_SIGNING_KEY',
      keeps: 'private',
      variables: {
        EXPORT_FORMER_KEY_ID: 'EXPORT_KEY_ID',
        EXPORT_FORMER_KEY_VERSION: 'EXPORT_KEY_VERSION',
        EXPORT_FORMER_KEY_UNTIL: UNTIL,
      },
    },
    life: LIVES.signedFile,
    outside: {
      make: [
        'Apple and Google have registered the new public key beside the former one, with its new version',
        'apps of CWA’s kind that verify keys by the new key alone are out: CWA’s tree has one signature, the new key’s, from this phase on',
        'the directory lists the new key among verificationKeys, and peers have read it: batches have one signature',
        'no app that microG knows by package pins the former key alone: it refuses files with two signatures until the last is gone',
      ],
      drop: ['Apple, Google and the directory may forget the former key'],
    },
    cost: 'phones that don’t know the new key take no file that is sealed from now on, nor days that are cut anew; the leaked key’s files must be refused by withdrawing it at Apple and Google',
  }),
  signing({
    secret: 'MANIFEST_SIGNING_KEY',
    holders: ['origin'],
    makes: 'signatures of manifests, of the configuration’s head, of the copy of health authorities',
    idVariable: 'MANIFEST_KEY_ID',
    former: {
      secret: 'MANIFEST_FORMER_PUBLIC_KEY',
      keeps: 'public',
      variables: { MANIFEST_FORMER_KEY_ID: 'MANIFEST_KEY_ID' },
    },
    life: LIVES.signedDocument,
    outside: {
      make: [
        'apps that pin the new key beside the former one, under the new id, are out: a phone that pins the former alone takes neither keys nor configuration from this phase on, and loses nothing but the time until it is updated',
        'the directory lists the new key among manifestKeys: phones of travellers read it there',
      ],
      drop: ['the next app may pin the new key alone'],
    },
    cost: 'phones that pin the leaked key alone take nothing until they are updated; those that pin both would still believe the leaked one: only an app that pins the new key alone ends that',
  }),
  signing({
    secret: 'CONFIG_SIGNING_KEY',
    holders: ['origin'],
    makes: 'the second signature of CWA’s configuration',
    idVariable: 'CONFIG_KEY_VERSION',
    former: {
      secret: 'CONFIG_FORMER_SIGNING_KEY',
      keeps: 'private',
      variables: {
        CONFIG_FORMER_KEY_ID: 'CONFIG_KEY_ID',
        CONFIG_FORMER_KEY_VERSION: 'CONFIG_KEY_VERSION',
        CONFIG_FORMER_KEY_UNTIL: UNTIL,
      },
    },
    life: LIVES.signedFile,
    outside: {
      make: ['apps that pin the configuration key alone, if there are any, have an update with the new one on its way'],
    },
    cost: 'apps that pin the configuration key alone refuse configuration until they are updated; those that pin the export key notice nothing',
  }),
  signing({
    secret: 'LOG_SIGNING_KEY',
    holders: ['origin'],
    makes: 'signatures of the event log and of the certificate of the end',
    idVariable: 'LOG_KEY_ID',
    life: LIVES.none,
    outside: {
      make: [
        'auditors and whoever restores keep both public keys: --log-key takes both, and checkpoints that the former one signed stay for good',
      ],
    },
    cost: 'nothing is lost; entries that the leaked key signed after it leaked prove nothing: say from which entry on',
  }),
  signing({
    secret: 'CERTIFICATE_SIGNING_KEY',
    holders: ['verification'],
    makes: 'certificates of Google’s dialect',
    idVariable: 'CERTIFICATE_KEY_ID',
    otherKeysVariable: 'CERTIFICATE_OTHER_KEYS',
    life: LIVES.certificate,
    outside: {
      make: [
        'key servers that take our certificates, this one among them, have imported the next key (/jwks, npm run authorities)',
      ],
      drop: ['key servers may end the former key'],
    },
    cost: 'certificates are refused by key servers until they have imported the new key; end the leaked one there',
  }),
  signing({
    secret: 'LABORATORY_LIST_PUBLIC_KEY',
    holders: ['laboratory'],
    makes: 'nothing: it verifies the list of laboratories, whose signing half a keeper has',
    idVariable: 'LABORATORY_LIST_KEY_ID',
    otherKeysVariable: 'LABORATORY_LIST_OTHER_KEYS',
    life: LIVES.list,
    outside: {
      make: ['a list that the next key signed, of a higher version, is published (npm run laboratories -- sign)'],
      drop: ['its keeper destroys the former signing half'],
    },
    cost: 'the list that stands is not believed any more, and no laboratory gets in, until one that the new key signed is published: have it at hand',
  }),
  signing({
    secret: 'CREDENTIAL_SIGNING_KEY',
    holders: ['verification'],
    makes: 'credentials of tests told abroad, and their status list',
    idVariable: 'CREDENTIAL_KEY_VERSION',
    life: LIVES.credential,
    outside: {
      make: ['the directory lists the new key among testing.keys beside the former one, and peers have read it'],
      drop: ['the directory lists the new key alone'],
    },
    cost: 'credentials that are out can’t be shown any more: those people ask for another; the directory drops the leaked key',
  }),
  signing({
    secret: 'SMS_SIGNING_KEY',
    holders: ['verification'],
    makes: 'signatures of messages that bring codes',
    idVariable: 'SMS_KEY_ID',
    life: LIVES.message,
    outside: { make: ['apps that know the new key by its id beside the former one are out'] },
    cost: 'apps that don’t know the new key treat messages as unsigned until they are updated',
  }),
];

const OFFLINE: readonly OfflineRule[] = [
  {
    kind: 'offline',
    secret: 'RESTORE_PUBLIC_KEY',
    holders: ['origin'],
    makes: 'the journal of waiting keys, sealed for a restore',
    life: LIVES.journal,
    outside: {
      make: ['the keepers of the restore key are there to take the new private half'],
      drop: ['the keepers destroy the former private half; a restore with it is not possible any more'],
    },
    cost: 'until the next journal, within five minutes, the leaked half opens what lies there: an attacker needs the private bucket, too',
  },
  {
    kind: 'offline',
    secret: 'UNDO_PUBLIC_KEY',
    holders: ['origin'],
    makes: 'issue ids beside records, sealed for a rollback',
    life: LIVES.openings,
    outside: {
      make: [
        'two keepers are there, each to take a share of the new key; they keep the former share, for a rollback of an hour of before wants both keys (--former-first, --former-second)',
      ],
      drop: ['the keepers destroy the former shares'],
    },
    cost: 'hours of the last fortnight stay sealed to the leaked key: who has it, the private bucket and the books learns which keys each large source vouched for',
  },
];

const BROUGHT: readonly BroughtRule[] = [
  {
    kind: 'brought',
    secret: 'EFGS_SIGNING_KEY',
    with: ['EFGS_SIGNING_CERTIFICATE'],
    holders: ['federation'],
    makes: 'signatures of batches for the European gateway',
    life: LIVES.batch,
    outside: {
      make: ['the gateway’s operator has the new certificate, signed, in its trust list beside the former one'],
      drop: ['a fortnight after: the gateway’s operator may drop the former certificate'],
    },
    cost: 'the gateway refuses our batches until it has the new certificate; batches of the leaked key must be withdrawn there',
  },
];

/** Every secret that is changed by itself. */
export const ROTATIONS: readonly RotationRule[] = [...RINGS, ...SIGNING, ...OFFLINE, ...BROUGHT];

/** Secrets that come and go with a rotation of another, which is named. */
export const PART_OF: PartOfAnother = Object.fromEntries([
  ...SIGNING.flatMap(({ secret, former }) => (former === null ? [] : [[former.secret, secret] as const])),
  ...BROUGHT.flatMap(({ secret, with: together }) => together.map((other) => [other, secret] as const)),
]);

/** @param secret as it is typed @returns its rule, or null: there is no such secret, or it is part of another's rotation */
export const ruleOf = (secret: string): RotationRule | null => ROTATIONS.find((rule) => rule.secret === secret) ?? null;
