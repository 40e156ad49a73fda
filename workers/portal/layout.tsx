/** @module The frame around every staff page, and the small parts pages are made of. */
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import { SCRIPT_ASSET, STYLE_ASSET } from './assets/assets.ts';
import { newOnce } from './form.ts';
import { noticeNamed } from './notices.ts';
import { mayUse, type Page, PAGES, type Role } from './roles.ts';
import type { StaffContext } from './staff-context.ts';
import type { Texts } from './texts/en.ts';
import { fill, type Language, LANGUAGES } from './texts/texts.ts';

/** What the frame shows around the content. */
interface Frame {
  readonly texts: Texts;
  readonly language: Language;
  readonly title: string;
  /** Null: nobody is signed in, so there is neither a menu nor a form. */
  readonly person: { readonly subject: string; readonly roles: readonly Role[]; readonly csrf: string } | null;
  readonly page: Page | null;
  /** What a form before this page came to. */
  readonly notice?: ReturnType<typeof noticeNamed>;
}

/** Hidden fields that each form carries: the session's token, and one of the form's own. */
export function Csrf({ token }: { readonly token: string }) {
  return (
    <>
      <input type="hidden" name="csrf" value={token} />
      <input type="hidden" name="once" value={newOnce()} />
    </>
  );
}

/** A whole document. */
export function Document({ frame, children }: { readonly frame: Frame; readonly children?: Child }) {
  const { texts: t, language, title, person, page, notice = null } = frame;
  return html`<!doctype html>${(
      <html lang={language}>
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{`${title} – ${t.brand}`}</title>
          <link rel="stylesheet" href={STYLE_ASSET.path} integrity={STYLE_ASSET.integrity} />
          <script src={SCRIPT_ASSET.path} integrity={SCRIPT_ASSET.integrity} defer />
        </head>
        <body>
          <a class="skip" href="#content">
            {t.skip}
          </a>
          <header class="top">
            <div>
              <a class="brand" href="/staff">
                {t.brand}
              </a>
              {person !== null && <PersonBar t={t} language={language} person={person} />}
            </div>
          </header>
          <div class="frame">
            {person !== null && person.roles.length > 0 && (
              <nav aria-label={t.menu}>
                <ul>
                  {PAGES.filter((item) => mayUse(person.roles, item)).map((item) => (
                    <li>
                      <a href={`/staff/${item}`} aria-current={item === page ? 'page' : undefined}>
                        {t[`page.${item}`]}
                      </a>
                    </li>
                  ))}
                </ul>
              </nav>
            )}
            <main id="content" tabindex={-1}>
              <h1 class="screen">{title}</h1>
              {notice !== null && <Notice kind={notice.kind}>{t[notice.key]}</Notice>}
              {children}
            </main>
          </div>
        </body>
      </html>
    )}`;
}

function PersonBar({ t, language, person }: { t: Texts; language: Language; person: NonNullable<Frame['person']> }) {
  return (
    <>
      <form method="post" action="/staff/language" aria-label={t.language}>
        <Csrf token={person.csrf} />
        {Object.entries(LANGUAGES).map(([tag, { name }]) => (
          <button name="language" value={tag} lang={tag} aria-pressed={tag === language ? 'true' : 'false'}>
            {name}
          </button>
        ))}
      </form>
      <span>{fill(t.signedInAs, { who: person.subject })}</span>
      <form method="post" action="/staff/sign-out">
        <Csrf token={person.csrf} />
        <button>{t.signOut}</button>
      </form>
    </>
  );
}

/** The frame of a page for the person of this request. */
export function frameOf(c: StaffContext, page: Page | null, title: string): Frame {
  const { identity, session, texts } = c.var;
  const person = { subject: identity.subject, roles: identity.roles, csrf: session.csrf };
  return { texts, language: session.language, title, person, page, notice: noticeNamed(c.req.query('notice')) };
}

/** Answers with a page. */
export function answerPage(c: StaffContext, page: Page, content: Child, status: 200 | 400 | 409 | 429 = 200) {
  const title = c.var.texts[`page.${page}`];
  return c.html(<Document frame={frameOf(c, page, title)}>{content}</Document>, status);
}

/** A sentence that must be seen. */
export function Notice({ kind, children }: { readonly kind: 'good' | 'bad' | 'plain'; readonly children?: Child }) {
  return (
    <div class={`notice screen ${kind}`} role={kind === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

/**
 * A table; where there is no room for its columns each row becomes a list of its cells, each with its head. Display says
 * nothing of a table then, so the roles do. @param numeric indexes of columns with numbers
 */
export function Table(props: {
  readonly caption: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly Child[])[];
  readonly numeric?: readonly number[];
}) {
  const { caption, heads, rows, numeric = [] } = props;
  const alignment = (column: number) => (numeric.includes(column) ? 'number' : undefined);
  return (
    <div class="table" role="region" aria-label={caption} tabindex={0}>
      <table role="table" aria-label={caption}>
        <thead role="rowgroup">
          <tr role="row">
            {heads.map((head, column) => (
              <th scope="col" role="columnheader" class={alignment(column)}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr role="row">
              {row.map((cell, column) => (
                <td role="cell" class={alignment(column)} data-head={heads[column]}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What people wrote into a cell: of any length, and broken anywhere, so that it hides no other column. */
export function Long({ children }: { readonly children?: Child }) {
  return <div class="long">{children}</div>;
}

/** Says whose times a page shows. */
export function ZoneLine({ c }: { readonly c: StaffContext }) {
  return <p class="soft">{fill(c.var.texts.zone, { zone: c.var.times.zone })}</p>;
}

/** A form that posts to a page of the portal. */
export function Form(props: { readonly c: StaffContext; readonly action: string; readonly children?: Child }) {
  return (
    <form method="post" action={props.action}>
      <Csrf token={props.c.var.session.csrf} />
      {props.children}
    </form>
  );
}

/** A labelled input; every other property goes to the input. */
export function Field(props: { label: string; help?: string; name: string; [attribute: string]: unknown }) {
  const { label, help, name, ...input } = props;
  const helpId = help === undefined ? undefined : `${name}-help`;
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input id={name} name={name} autocomplete="off" aria-describedby={helpId} {...input} />
      {help !== undefined && <small id={helpId}>{help}</small>}
    </div>
  );
}
