/** @module The portal's texts in German: taking back what a source vouched for; the others are in de.ts. */
import type { rollbacksEn } from './rollbacks-en.ts';

/** Texts of the page of rollbacks. */
export const rollbacksDe: Readonly<Record<keyof typeof rollbacksEn, string>> = {
  'page.rollbacks': 'Rücknahmen',
  'about.rollbacks': 'Zurücknehmen, wofür eine Stelle gebürgt hat: Probelauf ansehen, als zweite Person bestätigen.',
  rollbacksIntro:
    'Eine Rücknahme beendet, wofür eine Stelle gebürgt hat: Unbenutzte Codes gelten nicht mehr, wartende Schlüssel werden gelöscht, veröffentlichte mit der nächsten Stunde zurückgenommen, oder sobald genug andere mit ihnen gehen. Karten, die an anderen Tagen benutzt wurden, gelten weiter, unbenutzte auch, außer der Tag des Antrags gehört dazu. Eine Person beantragt sie mit dem Befehl „npm run rollback“, zu dem zwei Verwahrer ihre Teile des Rücknahmeschlüssels bringen; eine andere bestätigt sie hier innerhalb einer Stunde.',
  rollbacksNone: 'Niemand beantragt eine Rücknahme, und in den letzten 31 Tagen wurde keine bestätigt.',
  'rollback.batch': 'Kartenstapel',
  'rollback.provider': 'Gesundheitseinrichtung',
  'rollback.laboratory': 'Labor',
  'rollback.hotline': 'Telefondienst',
  'rollback.staff': 'Mitarbeitende Person',
  'rollback.region': 'Region (Nachweise)',
  'rollback.authority': 'Gesundheitsbehörde (Zertifikate)',
  rollbackPeriod: 'Gebürgt vom {from} bis {to} (UTC-Tage)',
  rollbackAskedBy: 'Beantragt von {who}, {time}',
  rollbackUntil: 'Zu bestätigen bis {time}',
  rollbacksOpen: 'Warten auf eine zweite Person',
  rollbacksConfirmedOnes: 'In den letzten 31 Tagen bestätigt',
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
    'Die Stelle ist beendet, {dropped} wartende Schlüssel sind gelöscht. Veröffentlichte warten auf den Rücknahmeschlüssel, den jemand mit beiden Teilen einreicht:',
  rollbackSealing:
    'Eine Stunde oder das Journal wird gerade geschrieben. Geben Sie den Befehl in einer Minute noch einmal:',
  'rollbackWaits.hour':
    'Wartet: {taken} veröffentlichte Schlüssel sind noch lesbar. Sie werden mit der nächsten Stunde zurückgenommen, wenn genug andere mit ihnen gehen, spätestens bis {until}. {dropped} wartende Schlüssel sind gelöscht.',
  'rollbackWaits.company':
    'Wartet auf Gesellschaft: Von {taken} veröffentlichten Schlüsseln sind einige oder alle noch lesbar, weil keine Liste von Zurückgenommenem in irgendeiner Region kleiner ist als ein Paket sein darf. Spätestens bis {until} sind sie zurückgenommen oder von selbst fort. {dropped} wartende Schlüssel sind gelöscht.',
  'rollbackWaits.region':
    'Wartet auf eine Region: {taken} veröffentlichte Schlüssel sind zurückgenommen, und noch nicht jede Region hat es veröffentlicht. {dropped} wartende Schlüssel sind gelöscht.',
  rollbackDone: '{dropped} wartende Schlüssel sind gelöscht, {taken} veröffentlichte zurückgenommen.',
  rollbackRegionsLater:
    'Später als die anderen, von selbst nach Behebung der Störung (Systemzustand), folgen: {regions}.',
  rollbackUnfinished: 'Sie wurde bestätigt und dann unterbrochen. Setzen Sie sie fort.',
  rollbackGoOn: 'Fortsetzen',
  rollbacksConfirmed: 'Die Rücknahme ist bestätigt.',
  rollbacksOwn: 'Sie haben sie selbst beantragt. Jemand anderes muss bestätigen.',
  rollbacksGone: 'Eine solche Rücknahme gibt es nicht, oder ihre Stunde ist vorbei.',
  rollbacksDeclined: 'Der Antrag ist beendet. Nichts wurde zurückgenommen.',
};
