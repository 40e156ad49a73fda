/** @module Die Texte des Portals auf Deutsch: Prüfcodes, einzeln oder viele, und API-Schlüssel. */
import type { codesEn } from './codes-en.ts';

/** Texte zu Prüfcodes. */
export const codesDe: Readonly<Record<keyof typeof codesEn, string>> = {
  'page.issue': 'Prüfcode ausstellen',
  'page.issued': 'Meine Prüfcodes',
  'page.bulk': 'Prüfcodes für viele',
  'page.api-keys': 'API-Schlüssel',
  'about.issue': 'Ein Code für eine Person: zum Vorlesen, zum Scannen oder per SMS.',
  'about.issued': 'Welche Codes Sie heute ausgestellt haben, ob sie benutzt sind, und wie man einen beendet.',
  'about.bulk': 'Codes für eine Tabelle von Personen, mit einem Bericht, was misslang.',
  'about.api-keys': 'Welche Apps und Systeme wonach fragen dürfen.',

  issueIntro:
    'Vergewissern Sie sich, dass Sie mit der getesteten Person sprechen. Ein Code gilt einmal, auf einem Telefon.',
  issueType: 'Was bekannt ist',
  'issueType.confirmed': 'Ein Test war positiv',
  'issueType.likely': 'Eine Ärztin oder ein Arzt hält es für wahrscheinlich, ohne Test',
  'issueType.negative': 'Ein Test war negativ: was diese Person geteilt hatte, wird zurückgenommen',
  issueTestDate: 'Tag des Tests',
  issueSymptomDate: 'Tag, an dem Symptome begannen, falls es welche gibt',
  issueDateHelp: 'Höchstens 28 Tage her. Einer der beiden Tage wird gebraucht; wen die App warnt, folgt daraus.',
  issueBy: 'Wie kommt der Code zur Person?',
  'issueBy.code': 'Ich lese ihn vor: 8 Ziffern, 15 Minuten lang',
  'issueBy.link': 'Sie scannt oder öffnet einen Link, 24 Stunden lang',
  'issueBy.sms': 'Per SMS, mit einem Link für 24 Stunden',
  issuePhone: 'Telefonnummer, nur für SMS',
  issuePhoneHelp:
    'Mit + und Ländervorwahl, z. B. +49 170 1234567. Sie geht an den SMS-Dienst und wird nirgends aufbewahrt.',
  issueTemplate: 'Text der SMS',
  issueButton: 'Code ausstellen',
  issueAnother: 'Weiteren Code ausstellen',
  issueQuota: 'Sie haben {used} von {limit} Codes ausgestellt, die Sie heute (UTC) ausstellen dürfen.',
  issueCode: 'Prüfcode',
  issueLink: 'Link mit einem Prüfcode',
  issueQr: 'QR-Code mit dem Link zur App',
  issueGone:
    'Dieser Code kann nicht noch einmal gezeigt werden: Er ist beendet, benutzt oder in einer anderen Sitzung ausgestellt.',
  issueIncomplete:
    'Wählen Sie, was bekannt ist, einen Tag, und wie der Code zur Person kommt. Es wurde kein Code ausgestellt.',
  issueDate: 'Ein Tag muss einer der letzten 28 sein, keiner in der Zukunft. Es wurde kein Code ausgestellt.',
  issueNumber: 'Das ist keine Telefonnummer mit + und Ländervorwahl. Es wurde kein Code ausgestellt.',
  issueQuotaOver:
    'Sie haben so viele Codes ausgestellt, wie Sie heute dürfen. Bitten Sie das Gesundheitsamt um weitere.',
  issueSmsFailed:
    'Die SMS ging nicht hinaus, und es wurde kein Code ausgestellt. Versuchen Sie es noch einmal, oder lesen Sie einen Code vor.',
  issueSent: 'Die SMS ist unterwegs.',
  issueAgain:
    'Zu diesem Formular gab es schon einen Code für etwas anderes. Es wurde keiner ausgestellt; öffnen Sie das Formular neu.',
  issueRefused:
    'Jetzt kann kein Code ausgestellt werden: Was Sie heute bescheinigt haben, wurde zurückgenommen, oder diese Art wird hier nicht ausgestellt.',

  issuedIntro: 'Codes der letzten 24 Stunden, die neuesten zuerst. Die Codes selbst werden nirgends aufbewahrt.',
  issuedNone: 'In den letzten 24 Stunden wurde kein Prüfcode ausgestellt.',
  issuedOf: 'Codes von',
  issuedAt: 'Ausgestellt',
  issuedType: 'Was bekannt ist',
  issuedEnds: 'Code endet',
  issuedState: 'Stand',
  issuedUsed: 'benutzt',
  issuedValid: 'noch nicht benutzt',
  issuedOver: 'unbenutzt abgelaufen',
  issuedEnd: 'Beenden',
  issuedDone: 'Der Code ist beendet.',
  issuedClaimed: 'Der Code war schon benutzt. Damit geteilte Schlüssel nimmt eine Rücknahme zurück.',
  issuedMissing: 'Einen solchen Code gibt es nicht.',
  'issuedType.confirmed': 'positiver Test',
  'issuedType.likely': 'wahrscheinlich, ohne Test',
  'issuedType.negative': 'negativer Test',
  'issuedType.user-report': 'Eigene Meldung',

  bulkIntro:
    'Eine Tabelle als CSV, eine Zeile je Person, mit Kopf: testType, testDate, symptomDate, phone. Wer eine Telefonnummer hat, bekommt eine SMS; die Codes der anderen stehen im Bericht.',
  bulkTable: 'Tabelle (CSV)',
  bulkTableHelp:
    'Höchstens {rows} Zeilen; Kommas oder Semikolons. Wählen Sie eine Datei, oder fügen Sie ihren Text ein. Nummern gehen an den SMS-Dienst und werden nirgends aufbewahrt.',
  bulkFile: 'Datei',
  bulkCheck: 'Tabelle prüfen',
  bulkChecked: '{fine} von {rows} Zeilen können ausgestellt werden. Noch wurde nichts ausgestellt.',
  bulkFaults: 'Zeilen, die wegbleiben',
  bulkLine: 'Zeile',
  bulkWhy: 'Warum',
  bulkIssue: '{count} Codes ausstellen',
  bulkProgress: 'Bisher ausgestellte Codes',
  bulkStay:
    'Bleiben Sie auf dieser Seite, bis alle ausgestellt sind. Bricht es ab, stellen Sie dieselbe Tabelle von dieser Seite noch einmal aus: Niemand bekommt einen zweiten Code.',
  bulkResult: '{issued} Codes wurden ausgestellt; {failed} Zeilen misslangen.',
  bulkFailed: 'Was misslang',
  bulkNothingFailed: 'Nichts misslang.',
  bulkDownload: 'Bericht sichern (CSV)',
  bulkDownloadHelp:
    'Er enthält die Codes der Personen ohne Telefonnummer. Wenn Sie diese Seite verlassen, können sie nicht noch einmal gezeigt werden.',
  bulkRetry: 'Fehlende ausstellen',
  bulkCodes: 'Ausgestellte Codes',
  bulkCode: 'Nummer',
  bulkBySms: 'per SMS',
  bulkInvalid:
    'Das ist keine Tabelle: Sie braucht einen Kopf mit testType, höchstens {rows} Zeilen und keine anderen Spalten. Es wurde nichts ausgestellt.',
  'bulkFault.type': 'testType ist nicht confirmed, likely oder negative.',
  'bulkFault.date': 'Ein Tag fehlt, ist nicht als JJJJ-MM-TT geschrieben oder keiner der letzten 28.',
  'bulkFault.phone': 'Die Telefonnummer ist keine mit + und Ländervorwahl.',
  'bulkFault.columns': 'Die Zeile hat mehr oder weniger Zellen als der Kopf.',
  'bulkFault.quota': 'Ihre Codes von heute sind aufgebraucht.',
  'bulkFault.sms': 'Die SMS ging nicht hinaus.',
  'bulkFault.refused': 'Er kann jetzt nicht ausgestellt werden.',
  'bulkFault.broken': 'Die Verbindung brach ab.',

  keysIntro:
    'Eine App oder ein System zeigt seinen Schlüssel bei jeder Anfrage. Ein Schlüssel wird einmal gezeigt, wenn er gemacht wird; wer ihn hat, handelt für seinen Inhaber, bis er widerrufen ist.',
  keysName: 'Wessen Schlüssel es ist',
  keysKind: 'Wofür er gut ist',
  'keysKind.device': 'Apps: von Codes zu Zertifikaten, eigene Meldungen',
  'keysKind.admin': 'Systeme, die Codes ausstellen',
  'keysKind.stats': 'Statistik lesen',
  keysMake: 'Schlüssel machen',
  keysMade: 'Der neue Schlüssel von {name}',
  keysOnce: 'Kopieren Sie ihn jetzt. Er wird nirgends aufbewahrt und nicht noch einmal gezeigt.',
  keysList: 'Schlüssel',
  keysMadeAt: 'Gemacht',
  keysRevokedAt: 'widerrufen {time}',
  keysValid: 'gültig',
  keysQuota: 'Codes am Tag',
  keysRevoke: 'Widerrufen …',
  keysRevokeTitle: 'API-Schlüssel widerrufen',
  keysRevokeEffect:
    'Sofort kommt niemand mehr mit diesem Schlüssel herein: Jede App und jedes System, das ihn hat, hört auf zu arbeiten. Das lässt sich nicht rückgängig machen.',
  keysRevokeConfirm: 'Diesen Schlüssel widerrufen',
  keysRevoked: 'Der Schlüssel ist widerrufen.',
  keysMissing: 'Einen solchen Schlüssel gibt es nicht.',

  quotasCodes: 'Prüfcodes am Tag',
  quotasCodesIntro:
    'Wie viele Prüfcodes eine Person oder ein API-Schlüssel an einem UTC-Tag ausstellen darf. Ohne Eintrag sind es 2.000 für eine Person und 20.000 für einen Schlüssel; 0 hält sie an.',
  quotasCodesIssuer: 'Person oder Schlüssel',
  quotasCodesPerDay: 'Codes am Tag',
  quotasCodesSet: 'Zahl setzen',
  quotasKey: 'API-Schlüssel {name}',
};
