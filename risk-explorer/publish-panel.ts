/**
 * @module The part of the page that publishes, only where the portal serves it: it begins with what is in force, shows what
 * differs, and asks before anything is sent. What was made of a version that is no longer the newest is refused, and shown with
 * what it would have undone.
 */
import { type Difference, differences } from '../domain/parameters/difference.ts';
import { type Parameters, parseParameters } from '../protocol/parameters/document.ts';
import type { Violation } from '../protocol/parameters/violation.ts';
import { html } from './dom.ts';
import { violationList } from './panels.ts';
import { type Answer, type InForce, inForce, publish } from './portal.ts';
import { rebased } from './rebase.ts';
import type { Phrase } from './texts/phrases.ts';
import { say } from './texts/say.ts';

/** What the panel needs of the page. */
export interface PublishingPage {
  /** The document on the screen. */
  document(): Parameters;
  /** @param baseline what "as published" brings back */
  show(document: Parameters, baseline: Parameters): void;
}

/** The published version that the changes on the screen are made of. */
interface Base {
  readonly version: number;
  /** Null: nothing is published yet. */
  readonly document: Parameters | null;
  readonly stage: number | null;
}

/** A newer version than the base, and what it changed. */
interface Newer {
  readonly version: number;
  readonly document: Parameters;
  readonly stage: number | null;
}

const EVERYONE = 100;

const SAYS: Readonly<Record<Exclude<Answer['kind'], 'conflict'>, Phrase>> = {
  published: 'Version {version} is published.',
  accepted: 'Version {version} is decided; it is being written.',
  unchanged: 'Version {version} has just this already.',
  'would-publish': 'It would become version {version}.',
  'needs-second-person': 'It would become version {version}, once a second person agrees.',
  proposed: 'Nothing is published yet: a second person must agree, in the portal.',
  invalid: 'The origin finds it invalid; nothing changed.',
  refused: 'The portal refused. Sign in again, or wait a minute.',
};

function parsedDocument({ text }: InForce): Parameters | null {
  const parsed = text === null ? null : parseParameters(JSON.parse(text));
  return parsed?.ok === true ? parsed.value : null;
}

function table(found: readonly Difference[], before: string, after: string): HTMLElement {
  const heads = [say('Field'), before, after].map((text) => html('th', { scope: 'col' }, text));
  const rows = found.map((one) =>
    html('tr', {}, html('th', { scope: 'row' }, one.path), html('td', {}, one.before), html('td', {}, one.after)),
  );
  const whole = html(
    'table',
    { class: 'changes' },
    html('thead', {}, html('tr', {}, ...heads)),
    html('tbody', {}, ...rows),
  );
  return html('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': say('Field') }, whole);
}

export class PublishPanel {
  readonly element = html('section', { class: 'publish' });
  readonly #page: PublishingPage;
  readonly #message = html('p', { role: 'status' });
  readonly #share = html('input', { type: 'number', min: 1, max: EVERYONE, value: EVERYONE, id: 'share' });
  readonly #dialog = html('dialog', { 'aria-labelledby': 'ask-title' });
  #says: () => string = () => say('Asking for the published version…');
  /** Rules that the origin found broken at the last attempt. */
  #broken: readonly Violation[] = [];
  #base: Base | null = null;
  #newer: Newer | null = null;
  /** A publication is on its way: a second click must not send a second one. */
  #sending = false;

  constructor(page: PublishingPage) {
    this.#page = page;
    this.#share.addEventListener('input', () => this.render());
  }

  /** Asks the portal for what is in force, and shows it. */
  async begin(): Promise<void> {
    this.render();
    const found = await inForce().catch(() => null);
    if (found === null) return this.#say(() => say('The portal was not reached.'));
    const document = parsedDocument(found);
    const { version, stage } = found;
    if (version > 0 && document === null) {
      return this.#say(() => say('The published document can’t be read by this page. Publish by command line.'));
    }
    this.#begin({ version, document, stage });
  }

  /** Draws the panel anew: the document on the screen or the language has changed. */
  render(): void {
    this.#message.textContent = this.#says();
    const parts: HTMLElement[] = [html('h2', {}, say('Publish')), this.#message];
    if (this.#broken.length > 0) parts.push(violationList(this.#broken));
    if (this.#base !== null)
      parts.push(...(this.#newer === null ? this.#form(this.#base) : this.#conflict(this.#newer)));
    this.element.replaceChildren(...parts, this.#dialog);
  }

  #begin(base: Base): void {
    this.#base = base;
    this.#newer = null;
    if (base.document !== null) this.#page.show(structuredClone(base.document), base.document);
    const { version, document } = base;
    this.#say(() =>
      document === null
        ? say('Nothing is published yet. You see the defaults.')
        : say('Version {version} is in force. You see its numbers, until you move them.', { version }),
    );
  }

  #say(says: () => string, broken: readonly Violation[] = []): void {
    this.#says = says;
    this.#broken = broken;
    this.render();
  }

  #changes(base: Base): Difference[] {
    return base.document === null ? [] : differences(base.document, this.#page.document());
  }

  #form(base: Base): HTMLElement[] {
    const found = this.#changes(base);
    const count = found.length;
    const summary = count === 0 ? say('Your changes: none') : say('Your changes: {count}', { count });
    const changes = html('details', { class: 'difference' }, html('summary', {}, summary));
    changes.open = count > 0;
    if (count > 0) changes.append(table(found, say('In force'), say('Yours')));
    const nothing = base.document !== null && count === 0 && base.stage === null;
    const limit = base.document?.publication.secondPersonAbovePercentage ?? EVERYONE;
    const tryIt = html('button', { type: 'button' }, say('Dry run'));
    const ask = html(
      'button',
      { type: 'button', class: 'primary' },
      this.#needsSecond(base) ? say('Propose to a second person …') : say('Publish …'),
    );
    for (const button of [tryIt, ask]) button.disabled = this.#sending || nothing;
    tryIt.addEventListener('click', () => void this.#send(base, true));
    ask.addEventListener('click', () => this.#ask(base, found));
    const stage =
      base.stage === null
        ? []
        : [
            html(
              'p',
              {},
              say(
                'A stage runs: {percentage} % of the phones have another document. What you publish for all ends it.',
                {
                  percentage: base.stage,
                },
              ),
            ),
          ];
    return [
      ...stage,
      changes,
      html('p', {}, html('label', { for: 'share' }, say('Share of phones, %'), ' '), this.#share),
      ...(limit < EVERYONE ? [html('p', {}, say('Above {limit} % a second person must agree.', { limit }))] : []),
      html('p', { class: 'buttons' }, tryIt, ask),
    ];
  }

  #needsSecond({ document }: Base): boolean {
    return document !== null && this.#percentage() > document.publication.secondPersonAbovePercentage;
  }

  #percentage(): number {
    return Number(this.#share.value);
  }

  /** Nothing leaves the page before this was answered. */
  #ask(base: Base, found: readonly Difference[]): void {
    const percentage = this.#percentage();
    const second = this.#needsSecond(base);
    const looked = html('input', { type: 'checkbox', id: 'looked' });
    const go = html('button', { type: 'button', class: 'primary' }, second ? say('Propose') : say('Publish now'));
    const cancel = html('button', { type: 'button' }, say('Cancel'));
    go.disabled = true;
    looked.addEventListener('change', () => {
      go.disabled = !looked.checked;
    });
    const end = (): void => {
      this.#dialog.close();
      this.#dialog.replaceChildren();
    };
    cancel.addEventListener('click', end);
    go.addEventListener('click', () => {
      end();
      void this.#send(base, false);
    });
    const reach =
      percentage === EVERYONE
        ? say('They reach every phone within hours.')
        : say('They reach {percentage} % of the phones within hours; the others keep what is in force.', {
            percentage,
          });
    this.#dialog.replaceChildren(
      html('h2', { id: 'ask-title' }, second ? say('Propose these changes?') : say('Publish these changes?')),
      ...(found.length > 0 ? [table(found, say('In force'), say('Yours'))] : []),
      html('p', {}, reach),
      ...(second ? [html('p', {}, say('Nothing is published before a second person has agreed.'))] : []),
      html('p', {}, looked, ' ', html('label', { for: 'looked' }, say('I have looked at each of these changes.'))),
      html('p', { class: 'buttons' }, go, cancel),
    );
    this.#dialog.showModal();
  }

  async #send(base: Base, dryRun: boolean): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    this.render();
    const text = `${JSON.stringify(this.#page.document(), null, 2)}\n`;
    const answer = await publish(text, base.version, this.#percentage(), dryRun).catch(() => null);
    this.#sending = false;
    if (answer === null) return this.#say(() => say('The portal was not reached.'));
    if (answer.kind === 'conflict') return this.#meet();
    const { kind } = answer;
    const values = 'version' in answer ? { version: answer.version } : {};
    if (kind === 'published' || kind === 'accepted') await this.begin();
    this.#say(() => say(SAYS[kind], values), answer.kind === 'invalid' ? answer.violations : []);
  }

  /** Somebody published meanwhile: fetched, to be shown beside what was made of the version before. */
  async #meet(): Promise<void> {
    const found = await inForce().catch(() => null);
    const document = found === null ? null : parsedDocument(found);
    if (found === null || document === null) return this.#say(() => say('The portal was not reached.'));
    this.#newer = { version: found.version, document, stage: found.stage };
    const [newer, version] = [found.version, this.#base?.version ?? 0];
    this.#say(() =>
      say(
        'Refused: version {newer} was published meanwhile. You made your changes of version {version}, so they would have undone what follows.',
        { newer, version },
      ),
    );
  }

  #conflict(newer: Newer): HTMLElement[] {
    const before = this.#base?.document ?? null;
    const theirs = before === null ? [] : differences(before, newer.document);
    const { version } = newer;
    const drop = html('button', { type: 'button' }, say('Show version {version}, drop my changes', { version }));
    const keep = html(
      'button',
      { type: 'button', class: 'primary' },
      say('Put my changes onto version {version}', { version }),
    );
    drop.addEventListener('click', () => this.#begin(newer));
    keep.addEventListener('click', () => {
      const mine = parseParameters(rebased(before, this.#page.document(), newer.document));
      this.#begin(newer);
      if (mine.ok) this.#page.show(mine.value, newer.document);
    });
    return [
      theirs.length === 0
        ? html('p', {}, say('No field changed for all phones.'))
        : table(theirs, say('Before'), say('Since version {version}', { version })),
      html('p', { class: 'buttons' }, keep, drop),
    ];
  }
}
