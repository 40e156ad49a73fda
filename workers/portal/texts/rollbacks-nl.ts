/** @module The portal's texts in Dutch: taking back what a source vouched for; the others are in nl.ts. */
import type { rollbacksEn } from './rollbacks-en.ts';

/** Texts of the page of rollbacks. */
export const rollbacksNl: Readonly<Record<keyof typeof rollbacksEn, string>> = {
  'page.rollbacks': 'Terugdraaien',
  'about.rollbacks': 'Terugdraaien waarvoor een bron instond: de proef bekijken, als tweede persoon bevestigen.',
  rollbacksIntro:
    'Terugdraaien beëindigt waarvoor een bron instond: ongebruikte codes werken niet meer, wachtende sleutels worden gewist, gepubliceerde met het volgende uur teruggenomen, of zodra er genoeg andere meegaan. Kaarten die op andere dagen zijn gebruikt, blijven geldig; ongebruikte ook, tenzij de dag van het verzoek erbij hoort. Eén persoon vraagt erom met het commando “npm run rollback”, waarvoor twee bewaarders hun deel van de terugdraaisleutel brengen; een ander bevestigt het hier binnen een uur.',
  rollbacksNone: 'Niemand vraagt om terugdraaien, en in de laatste 31 dagen is er niets bevestigd.',
  'rollback.batch': 'Stapel kaarten',
  'rollback.provider': 'Zorgaanbieder',
  'rollback.laboratory': 'Laboratorium',
  'rollback.hotline': 'Telefoondienst',
  'rollback.staff': 'Medewerker',
  'rollback.region': 'Regio (bewijzen)',
  'rollback.authority': 'Gezondheidsautoriteit (certificaten)',
  rollbackPeriod: 'Voor ingestaan van {from} tot en met {to} (UTC-dagen)',
  rollbackAskedBy: 'Gevraagd door {who}, {time}',
  rollbackUntil: 'Te bevestigen tot {time}',
  rollbacksOpen: 'Wachten op een tweede persoon',
  rollbacksConfirmedOnes: 'In de laatste 31 dagen bevestigd',
  rollbackConfirmedBy: 'Bevestigd door {who}, {time}',
  rollbackDryRun: 'Wat het zou doen',
  rollbackDay: 'Dag (UTC)',
  rollbackRegion: 'Regio',
  rollbackUnpublished: 'Niet gepubliceerd',
  rollbackPublished: 'Gepubliceerd',
  rollbackMixed: 'Daarvan gemengd met andere',
  rollbackGone: 'Al weg',
  rollbackShare: 'Aandeel van de dag',
  rollbackNothingLeft: 'Van deze bron is geen sleutel over.',
  rollbackOthers: 'Het raakt ook sleutels van bronnen die te klein zijn om te onderscheiden:',
  rollbackOthersMore: 'en nog {count}',
  rollbackCannot:
    'Wat niet ongedaan te maken is: Android en iOS veranderen een bevestigde sleutel niet meer zodra een telefoon hem heeft herkend. Een telefoon met een ongewijzigde app die al heeft gewaarschuwd, houdt die waarschuwing. Wie de sleutels nog niet heeft opgehaald, blijft gespaard.',
  rollbackYours: 'U vroeg erom: iemand anders moet bevestigen.',
  rollbackConfirm: 'Terugdraaien bevestigen',
  rollbackDecline: 'Afwijzen',
  rollbackWithdraw: 'Verzoek intrekken',
  rollbackWaitsForKey:
    'De bron is beëindigd, {dropped} wachtende sleutels zijn gewist. Gepubliceerde wachten op de terugdraaisleutel, die iemand met beide delen indient:',
  rollbackSealing: 'Er wordt een uur of het journaal geschreven. Geef het commando over een minuut opnieuw:',
  'rollbackWaits.hour':
    'Wacht: {taken} gepubliceerde sleutels zijn nog leesbaar. Ze worden met het volgende uur teruggenomen als er genoeg andere meegaan, uiterlijk {until}. {dropped} wachtende sleutels zijn gewist.',
  'rollbackWaits.company':
    'Wacht op gezelschap: van {taken} gepubliceerde sleutels zijn sommige of alle nog leesbaar, omdat geen lijst van wat is teruggenomen in enige regio kleiner is dan een pakket mag zijn. Uiterlijk {until} zijn ze teruggenomen of vanzelf weg. {dropped} wachtende sleutels zijn gewist.',
  'rollbackWaits.region':
    'Wacht op een regio: {taken} gepubliceerde sleutels zijn teruggenomen, en nog niet elke regio heeft dat gepubliceerd. {dropped} wachtende sleutels zijn gewist.',
  rollbackDone: '{dropped} wachtende sleutels zijn gewist, {taken} gepubliceerde teruggenomen.',
  rollbackRegionsLater:
    'Later dan de andere, en vanzelf zodra de storing is verholpen (Toestand van het systeem), volgen: {regions}.',
  rollbackUnfinished: 'Het is bevestigd en daarna onderbroken. Ga ermee verder.',
  rollbackGoOn: 'Verdergaan',
  rollbacksConfirmed: 'Het terugdraaien is bevestigd.',
  rollbacksOwn: 'U vroeg er zelf om. Iemand anders moet bevestigen.',
  rollbacksGone: 'Zo’n verzoek is er niet, of zijn uur is voorbij.',
  rollbacksDeclined: 'Het verzoek is beëindigd. Er is niets teruggenomen.',
};
