/** @module The portal's texts in German: what forms come to, teleTANs, quotas, refused lists; the others are in de.ts. */
import type { formsEn } from './forms-en.ts';

/** Texts of forms. */
export const formsDe: Readonly<Record<keyof typeof formsEn, string>> = {
  stillWorking: 'Ihr Formular wird noch bearbeitet. Sehen Sie gleich noch einmal nach.',
  teletanReason: 'Warum braucht die Person einen Code?',
  'reason.no-code': 'Sie hat keinen QR-Code bekommen',
  'reason.unreadable': 'Ihr QR-Code lässt sich nicht scannen',
  'reason.not-connected': 'Ihr Labor meldet nicht an die App',
  'reason.lost': 'Sie hat den QR-Code verloren oder das Telefon gewechselt',
  'reason.other': 'Ein anderer Grund',
  teletanAsk: 'Bevor Sie ihn ausstellen',
  teletanAskedWho: 'Ich habe gefragt, wer anruft, und nach dem Test gefragt; die Antworten passen.',
  teletanIncomplete:
    'Wählen Sie einen Grund und bestätigen Sie, dass Sie gefragt haben, wer anruft. Es wurde kein Code ausgestellt.',
  teletanGone:
    'Dieser Code kann nicht noch einmal gezeigt werden: Er ist abgelaufen, wurde widerrufen oder in einer anderen Sitzung ausgestellt.',
  teletanWaiting:
    'Sie haben um {count} weitere Codes gebeten. Jemand vom Gesundheitsamt muss sie binnen einer Stunde freigeben; rufen Sie dort an, wenn es eilt.',
  teletanLookAgain: 'Noch einmal nachsehen',
  teletanHowMany: 'Wie viele weitere Codes brauchen Sie in der nächsten Stunde?',
  teletanHowManyHelp: '1 bis 60. Eine zweite Person, vom Gesundheitsamt, muss sie freigeben.',
  teletanAskSecond: 'Zweite Person bitten',
  teletanAsked: 'Ihre Bitte liegt beim Gesundheitsamt.',
  teletanAskedNot:
    'Es gibt nichts zu bitten: Ihr Kontingent ist nicht aufgebraucht, oder Sie dürfen keine Codes ausstellen.',
  codesOf: 'Codes von',
  codesNoneOf: 'Diese Person hat in den letzten 24 Stunden keinen Code ausgestellt.',
  codesRevoke: 'Widerrufen …',
  codesRevokeTitle: 'Eine teleTAN widerrufen',
  codesRevokeEffect:
    'Der Code gilt nicht mehr, und ein Telefon, das ihn schon benutzt hat, kann nichts mehr hochladen. Schon hochgeladene Schlüssel bleiben. Ob er benutzt wurde, erfährt niemand. Das lässt sich nicht zurücknehmen.',
  codesRevokeConfirm: 'Diese teleTAN widerrufen',
  codesRevoked: 'Die teleTAN ist widerrufen.',
  codesRevokedAt: 'widerrufen am {time}',
  codesMissing: 'Einen solchen Code der letzten 24 Stunden gibt es nicht.',
  cardsGone:
    'Diese Karten können nicht noch einmal gezeigt werden: Ihr Stapel wurde zurückgezogen, oder sie wurden in einer anderen Sitzung erstellt.',
  flyersGone: 'Diese Blätter können nicht noch einmal gezeigt werden: Sie wurden in einer anderen Sitzung erstellt.',
  labsWhyAt: 'Labor {at} der Liste:',
  labsWhyDocument: 'Sie ist kein signiertes Dokument. Fügen Sie alles ein, von der ersten bis zur letzten Klammer.',
  labsWhyType: 'Sie ist ein signiertes Dokument, aber keine Laborliste.',
  labsWhyKey: 'Sie ist mit einem Schlüssel signiert, der nicht zu dieser Liste gehört.',
  labsWhySignature: 'Ihre Signatur ist falsch. Sie wurde nach dem Signieren geändert.',
  labsWhyNewer: 'Ihre Version ist nicht höher als die geltende.',
  labsWhyObject: 'Ein Eintrag fehlt oder hat die falsche Form.',
  labsWhyVersion: 'Die Version muss eine ganze Zahl ab 1 sein.',
  labsWhyArray: 'Die Labore müssen eine Liste sein.',
  labsWhyId: 'Die Kennung muss aus 1 bis 64 Zeichen a bis z, 0 bis 9 und Bindestrich bestehen.',
  labsWhyTwice: 'Die Kennung steht zweimal da.',
  labsWhyName: 'Der Name muss 1 bis 200 Zeichen haben.',
  labsWhyCertificates: 'Mindestens ein Zertifikat muss genannt sein.',
  labsWhyFingerprint: 'Ein Zertifikat muss mit seinem SHA-256 genannt sein, in 64 Ziffern 0 bis 9 und a bis f.',
  labsWhyShared: 'Ein Zertifikat gehört zu zwei Laboren.',
  labsWhyBirthDate: 'birthDate muss „optional“ oder „required“ sein.',
  quotasTitle: 'Kontingente je Person',
  quotasRequests: 'Codes über das Kontingent hinaus',
  quotasRequestsIntro:
    'Geben Sie Codes nur für jemanden frei, mit dem Sie gesprochen haben. Eine Bitte verfällt nach einer Stunde; was freigegeben ist, gilt eine Stunde.',
  quotasNoRequests: 'Niemand bittet um Codes über das Kontingent hinaus.',
  quotasAskedCodes: 'Anzahl',
  quotasAskedAt: 'Gebeten um',
  quotasRelease: 'Freigeben',
  quotasYours: 'Ihre eigene: Jemand anderes muss sie freigeben',
  quotasReleased: 'Die Codes sind für eine Stunde freigegeben.',
  quotasOwn: 'Um diese Codes haben Sie selbst gebeten. Jemand anderes muss sie freigeben.',
  quotasGone: 'Diese Bitte ist verfallen oder wurde schon freigegeben.',
};
