/** @module Pages that say what went wrong: fixed texts, which never reflect what was sent (docs/spec/europe.md §9.2 k). */
import { Document, frameOf } from './layout.tsx';
import type { StaffContext } from './staff-context.ts';
import type { TextKey } from './texts/en.ts';
import { LANGUAGES } from './texts/texts.ts';

/** What can go wrong → status and text. */
export const ERRORS = {
  input: { status: 400, text: 'errorInput' },
  form: { status: 403, text: 'errorForm' },
  forbidden: { status: 403, text: 'errorForbidden' },
  missing: { status: 404, text: 'errorMissing' },
  many: { status: 429, text: 'errorMany' },
  server: { status: 500, text: 'errorServer' },
} as const satisfies Readonly<Record<string, { status: number; text: TextKey }>>;

/** Answers with an error's page. */
export function errorPage(c: StaffContext, kind: keyof typeof ERRORS) {
  const { status, text } = ERRORS[kind];
  // Before the session is open there is neither a language nor a person.
  const known = c.get('session') !== undefined;
  const t = known ? c.var.texts : LANGUAGES.en.texts;
  const frame = known
    ? frameOf(c, null, t.errorTitle)
    : ({ texts: t, language: 'en', title: t.errorTitle, person: null, page: null } as const);
  return c.html(
    <Document frame={frame}>
      <p role="alert">{t[text]}</p>
      <p>
        <a href="/staff">{t.home}</a>
      </p>
    </Document>,
    status,
  );
}

/** Answers that the session has ended, in English: whose language it was is forgotten. */
export function endedPage(c: StaffContext) {
  const t = LANGUAGES.en.texts;
  const { signInAgain } = c.var.identity;
  const frame = { texts: t, language: 'en', title: t.endedTitle, person: null, page: null } as const;
  return c.html(
    <Document frame={frame}>
      <p role="alert">{t.endedText}</p>
      {signInAgain === null ? (
        <form method="post" action="/staff/sign-in">
          <p>{t.endedCard}</p>
          <button>{t.signInAgain}</button>
        </form>
      ) : (
        <p>
          <a class="button" href={signInAgain}>
            {t.signInAgain}
          </a>
        </p>
      )}
    </Document>,
    401,
  );
}
