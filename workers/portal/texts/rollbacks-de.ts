/** @module The portal's texts in German: taking back what a source vouched for; the others are in de.ts. */
import type { rollbacksEn } from './rollbacks-en.ts';

/** Texts of the page of rollbacks. */
export const rollbacksDe: Readonly<Record<keyof typeof rollbacksEn, string>> = {
  'page.rollbacks': 'Rücknahmen',
  'about.rollbacks': 'Zurücknehmen, wofür eine Stelle gebürgt hat: Probelauf ansehen, als zweite Person bestätigen.',
  rollbacksIntro:
    'Eine Rücknahme beendet, wofür eine Stelle gebürgt hat: Unbenutzte Codes gelten nicht mehr, wartende Schlüssel werden gelöscht, veröffentlichte mit der nächsten Stunde zurückgenommen. Eine Person beantragt sie mit dem Befehl „npm run rollback“, zu dem zwei Verwahrer ihre Teile des Rücknahmeschlüssels bringen; eine andere bestätigt sie hier innerhalb einer Stunde.',
  rollbacksNone: 'Niemand beantragt eine Rücknahme, und in den letzten 31 Tagen wurde keine bestätigt.',
  'rollback.batch': 'Kartenstapel',
  'rollback.provider': 'Gesundheitseinrichtung',
  'rollback.laboratory': 'Labor',
  'rollback.hotline': 'Telefondienst',
  'rollback.staff': 'Mitarbeitende Person',
  rollbackPeriod: 'Gebürgt vom {from} bis {to} (UTC-Tage)',
  rollbackAskedBy: 'Beantragt von {who}, {time}',
  rollbackConfirmedBy: 'Bestätigt von {who}, {time}',
  rollbackDryRun: 'Was sie täte',
  rollbackDay: 'Tag (UTC)',
  rollbackRegion: 'Region',
  rollbackUnpublished: 'Unveröffentlicht',
  rollbackPublished: 'Veröffentlicht',
  rollbackMixed: 'Davon mit anderen gemischt',
  rollbackGone: 'Schon fort',
  rollbackShare: 'Anteil am Tag',
  rollbackNothingLeft: 'Von dieser Stelle ist kein Schlüssel mehr da.',
  rollbackOthers: 'Sie trifft auch Schlüssel von Stellen, die zu klein sind, um unterschieden zu werden:',
  rollbackOthersMore: 'und {count} weitere',
  rollbackCannot:
    'Was nicht rückgängig zu machen ist: Android und iOS ändern einen bestätigten Schlüssel nicht mehr, sobald ein Telefon ihn erkannt hat. Ein Telefon mit unveränderter App, das schon gewarnt hat, behält diese Warnung. Wer die Schlüssel noch nicht heruntergeladen hat, bleibt verschont.',
  rollbackYours: 'Sie haben sie beantragt: Jemand anderes muss bestätigen.',
  rollbackConfirm: 'Rücknahme bestätigen',
  rollbackDecline: 'Ablehnen',
  rollbackWithdraw: 'Antrag zurückziehen',
  rollbackWaitsForKey:
    'Die Stelle ist beendet, {dropped} wartende Schlüssel sind gelöscht. Veröffentlichte warten auf den Rücknahmeschlüssel: npm run rollback -- confirm --id {id}',
  rollbackSealing:
    'Eine Stunde oder das Journal wird gerade geschrieben. Geben Sie den Befehl in einer Minute noch einmal: npm run rollback -- confirm --id {id}',
  rollbackDone: '{dropped} wartende Schlüssel sind gelöscht, {taken} veröffentlichte zurückgenommen.',
  rollbackFailing:
    'In diesen Regionen klappt die Veröffentlichung gerade nicht, sie holen es von selbst nach: {regions}.',
  rollbackUnfinished: 'Sie wurde bestätigt und dann unterbrochen. Setzen Sie sie fort.',
  rollbackGoOn: 'Fortsetzen',
  rollbacksConfirmed: 'Die Rücknahme ist bestätigt.',
  rollbacksOwn: 'Sie haben sie selbst beantragt. Jemand anderes muss bestätigen.',
  rollbacksGone: 'Eine solche Rücknahme gibt es nicht, oder ihre Stunde ist vorbei.',
  rollbacksDeclined: 'Der Antrag ist beendet. Nichts wurde zurückgenommen.',
};
