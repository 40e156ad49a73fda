/**
 * @module What a page can say on top after a form: fixed texts, named in the address by `?notice=`. The address holds the name
 * alone, so that nothing of what was sent comes back, and any other name says nothing.
 */
import { PAGES } from './roles.ts';
import type { TextKey } from './texts/en.ts';

/** Text → how it is shown. */
const NOTICES = {
  errorForm: 'bad',
  sentBefore: 'bad',
  stillWorking: 'plain',
  teletanIncomplete: 'bad',
  teletanQuotaOver: 'bad',
  teletanAsked: 'good',
  teletanAskedNot: 'bad',
  codesRevoked: 'good',
  codesMissing: 'bad',
  issueIncomplete: 'bad',
  issueDate: 'bad',
  issueNumber: 'bad',
  issueQuotaOver: 'bad',
  issueSmsFailed: 'bad',
  issueSent: 'good',
  issueAgain: 'bad',
  issueRefused: 'bad',
  issuedDone: 'good',
  issuedClaimed: 'bad',
  issuedMissing: 'bad',
  keysRevoked: 'good',
  keysMissing: 'bad',
  cardsLimit: 'bad',
  withdrawMissing: 'bad',
  labsDone: 'good',
  quotasDone: 'good',
  quotasReleased: 'good',
  quotasOwn: 'bad',
  quotasGone: 'bad',
  parametersPublished: 'good',
  parametersAccepted: 'good',
  parametersUnchanged: 'plain',
  parametersConflict: 'bad',
  parametersInvalid: 'bad',
  parametersOwn: 'bad',
  parametersGone: 'bad',
  parametersDeclined: 'good',
  rollbacksConfirmed: 'good',
  rollbacksOwn: 'bad',
  rollbacksGone: 'bad',
  rollbacksDeclined: 'good',
  peersConfirmed: 'good',
  peersAgain: 'bad',
  peersGone: 'bad',
  peersAsked: 'good',
  peersUnknown: 'bad',
  peersThrownAway: 'good',
  peersStopped: 'good',
  peersStarted: 'good',
  peersReread: 'good',
  peersDeclined: 'good',
  holdersSaved: 'good',
  holdersRemoved: 'good',
  holdersReadmitted: 'good',
  sessionsRevoked: 'good',
  certificateRevoked: 'good',
} as const satisfies Partial<Record<TextKey, 'good' | 'bad' | 'plain'>>;

export type NoticeKey = keyof typeof NOTICES;

/** @param name of the address @returns the text's key and how it is shown, or null */
export function noticeNamed(name: string | undefined) {
  if (name === undefined || !Object.hasOwn(NOTICES, name)) return null;
  const key = name as NoticeKey;
  return { key, kind: NOTICES[key] };
}

/** @param path any path below `/staff` @returns the page it belongs to, which says the notice */
export function noticePath(path: string, notice: NoticeKey): string {
  const page = PAGES.find((name) => path === `/staff/${name}` || path.startsWith(`/staff/${name}/`));
  return `/staff${page === undefined ? '' : `/${page}`}?notice=${notice}`;
}
