/** @module The portal's texts in English: taking back what a source vouched for; the others are in en.ts. */

/** Texts of the page of rollbacks. */
export const rollbacksEn = {
  'page.rollbacks': 'Rollbacks',
  'about.rollbacks': 'Take back what a source vouched for: look at the dry run, confirm as the second person.',
  rollbacksIntro:
    'A rollback ends what a source vouched for: codes that are not used stop working, keys that wait are deleted, published keys are taken back with the next hour, or once enough others go with them. Cards that were used on other days live on, and unused ones unless the day of the request is among the days. One person asks for it with the command “npm run rollback”, for which two keepers bring their shares of the undo key; another person confirms it here within an hour.',
  rollbacksNone: 'Nobody asks for a rollback, and none was confirmed in the last 31 days.',
  'rollback.batch': 'Card batch',
  'rollback.provider': 'Provider',
  'rollback.laboratory': 'Laboratory',
  'rollback.hotline': 'Hotline',
  'rollback.staff': 'Member of staff',
  'rollback.region': 'Region (credentials)',
  'rollback.authority': 'Health authority (certificates)',
  rollbackPeriod: 'Vouched for from {from} to {to} (UTC days)',
  rollbackAskedBy: 'Asked for by {who}, {time}',
  rollbackUntil: 'To be confirmed by {time}',
  rollbacksOpen: 'Wait for a second person',
  rollbacksConfirmedOnes: 'Confirmed in the last 31 days',
  rollbackConfirmedBy: 'Confirmed by {who}, {time}',
  rollbackDryRun: 'What it would do',
  rollbackDay: 'Day (UTC)',
  rollbackRegion: 'Region',
  rollbackUnpublished: 'Not published',
  rollbackPublished: 'Published',
  rollbackMixed: 'Of them mixed with others',
  rollbackGone: 'Gone already',
  rollbackShare: 'Share of the day',
  rollbackNothingLeft: 'No key of this source is left.',
  rollbackOthers: 'It also hits keys of sources that are too small to be told apart:',
  rollbackOthersMore: 'and {count} more',
  rollbackCannot:
    'What cannot be undone: Android and iOS change a confirmed key no more once a telephone has matched it, so a telephone with an unmodified app that has warned its owner keeps that warning. Everybody who has not downloaded the keys yet is spared.',
  rollbackYours: 'You asked for it: somebody else must confirm.',
  rollbackConfirm: 'Confirm the rollback',
  rollbackDecline: 'Decline',
  rollbackWithdraw: 'Take back the request',
  rollbackWaitsForKey:
    'The source has ended, and {dropped} keys that waited are deleted. Published keys wait for the undo key, which somebody hands in with both shares:',
  rollbackSealing: 'An hour or the journal is being written. Give the command again in a minute:',
  'rollbackWaits.hour':
    'Waiting: {taken} published keys can still be read. They are taken back with the next hour if enough others go with them, by {until} at the latest. {dropped} keys that waited are deleted.',
  'rollbackWaits.company':
    'Waiting for company: of {taken} published keys some or all can still be read, since no list of what is taken back is smaller than a chunk may be in any region. They are taken back by {until} at the latest, or have left by themselves. {dropped} keys that waited are deleted.',
  'rollbackWaits.region':
    'Waiting for a region: {taken} published keys are taken back, and not every region has published it. {dropped} keys that waited are deleted.',
  rollbackDone: '{dropped} keys that waited are deleted, {taken} published keys are taken back.',
  rollbackRegionsLater:
    'Later than the others, and by themselves when they are mended (System status), follow: {regions}.',
  rollbackUnfinished: 'It was confirmed and then interrupted. Go on with it.',
  rollbackGoOn: 'Go on',
  rollbacksConfirmed: 'The rollback is confirmed.',
  rollbacksOwn: 'You asked for it yourself. Somebody else must confirm.',
  rollbacksGone: 'There is no such rollback, or its hour is over.',
  rollbacksDeclined: 'The request has ended. Nothing was taken back.',
} as const;
