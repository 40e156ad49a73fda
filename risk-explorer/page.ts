/**
 * @module The risk explorer's page (issue "A risk explorer for health authorities"): a person moves parameters and sees at
 * once what each scoring model makes of a library of encounters. Bundled by risk-explorer/cli.ts.
 */
import defaults from '../parameters/default.json' with { type: 'json' };
import { validateParameters, validateParametersText } from '../domain/parameters/validate.ts';
import type { Parameters } from '../protocol/parameters/document.ts';
import { groupsOf } from './controls.ts';
import { html } from './dom.ts';
import { LIBRARY, constantEncounter, type Encounter } from './encounters.ts';
import { evaluate } from './evaluate.ts';
import { controlPanel, findings, resultTable, windowTable } from './panels.ts';
import { levelMap, timePlot } from './plots.ts';
import { isServedByPortal } from './portal.ts';
import { PublishPanel } from './publish-panel.ts';
import { type Phrase } from './texts/phrases.ts';
import { type Language, language, languageOf, LANGUAGES, say, sayViolation, speak } from './texts/say.ts';

const OWN = { minutes: 20, attenuation: 60, transmissionRiskLevel: 6, daysAgo: 1 };
const OWN_CONTROLS = [
  { member: 'minutes', label: 'Minutes', min: 5, max: 240, step: 5 },
  { member: 'attenuation', label: 'Attenuation, dB', min: 30, max: 95, step: 1 },
  { member: 'transmissionRiskLevel', label: 'Transmission risk level', min: 1, max: 8, step: 1 },
  // An encounter of 14 days ago has ended by the page's evening: it counts in no model.
  { member: 'daysAgo', label: 'Days ago', min: 0, max: 13, step: 1 },
] as const;

const place = (id: string): HTMLElement => {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`the page has no #${id}`);
  return element;
};

const DEFAULTS = defaults as unknown as Parameters;
let parameters = structuredClone(DEFAULTS);
/** What the reset brings back: the defaults, or what the portal has published. */
let baseline = DEFAULTS;
/** Only where the portal serves the page. */
const panel = isServedByPortal(window.location)
  ? new PublishPanel({ document: () => parameters, show: (document, published) => show(document, published) })
  : null;
/** Row that is shown in detail. */
let selected = 3;

function encounters(): readonly Encounter[] {
  const own = constantEncounter('Your own', OWN.minutes, OWN.attenuation, OWN.transmissionRiskLevel, OWN.daysAgo);
  return [...LIBRARY, own];
}

const documentText = (): string => `${JSON.stringify(parameters, null, 2)}\n`;

function render(): void {
  const checked = validateParameters(parameters);
  place('findings').replaceChildren(findings(checked.ok ? [] : checked.error));
  const rows = encounters().map((encounter) => ({ encounter, evaluation: evaluate(parameters, encounter) }));
  const select = (row: number): void => {
    selected = row;
    render();
  };
  place('results').replaceChildren(resultTable(rows, selected, select));
  const { encounter, evaluation } = rows[selected]!;
  const minutes = encounter.segments.reduce((sum, segment) => sum + segment.minutes, 0);
  const constant =
    encounter.segments.length === 1 ? { minutes, attenuation: encounter.segments[0]!.attenuation } : null;
  place('detail-title').textContent = say(encounter.name);
  place('time-plot').replaceChildren(timePlot(parameters, evaluation));
  place('windows').replaceChildren(windowTable(evaluation));
  place('map-title').textContent = say('CWA level at transmission risk {level}', {
    level: encounter.transmissionRiskLevel,
  });
  place('level-map').replaceChildren(levelMap(parameters, encounter.transmissionRiskLevel, constant));
  const blob = new Blob([documentText()], { type: 'application/json' });
  const link = place('save') as HTMLAnchorElement;
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(blob);
  panel?.render();
}

function renderControls(): void {
  place('controls').replaceChildren(...controlPanel(groupsOf(parameters), parameters, render));
}

function renderOwn(): void {
  const fields = OWN_CONTROLS.map(({ member, label, min, max, step }) => {
    const output = html('output', {}, String(OWN[member]));
    const input = html('input', { type: 'range', min, max, step, 'aria-label': say(label), 'data-own': member });
    input.value = String(OWN[member]);
    input.addEventListener('input', () => {
      OWN[member] = Number(input.value);
      output.textContent = input.value;
      selected = LIBRARY.length;
      render();
    });
    return html('label', {}, html('span', {}, say(label)), input, output);
  });
  place('own').replaceChildren(...fields);
}

async function open(file: File): Promise<void> {
  const result = validateParametersText(await file.text());
  place('open-message').textContent = result.ok
    ? say('{name} is shown.', { name: file.name })
    : result.error.map((violation) => sayViolation(violation)).join('\n');
  if (!result.ok) return;
  parameters = result.value;
  renderControls();
  render();
}

const openInput = place('open') as HTMLInputElement;
openInput.addEventListener('change', () => {
  const [file] = openInput.files ?? [];
  if (file === undefined) return;
  void open(file).finally(() => {
    // Or the same file, corrected, would be no change.
    openInput.value = '';
  });
});
place('reset').addEventListener('click', () => show(structuredClone(baseline), baseline));

/** Shows a document; from now on the reset brings `published` back. */
function show(document: Parameters, published: Parameters): void {
  parameters = document;
  baseline = published;
  renderControls();
  render();
}

/** Every text anew; what was moved stays. */
function renderAll(): void {
  document.documentElement.lang = language();
  document.title = say('Risk explorer');
  for (const element of document.querySelectorAll<HTMLElement>('[data-say]')) {
    element.textContent = say(element.dataset['say'] as Phrase);
  }
  for (const element of document.querySelectorAll<HTMLElement>('[data-say-label]')) {
    element.setAttribute('aria-label', say(element.dataset['sayLabel'] as Phrase));
  }
  place('reset').textContent = panel === null ? say('Defaults') : say('As published');
  place('reach').textContent =
    panel === null
      ? say('Nothing you do here leaves this page.')
      : say('Nothing you do here reaches a phone until you publish it.');
  renderLanguages();
  renderControls();
  renderOwn();
  render();
}

function renderLanguages(): void {
  const buttons = Object.entries(LANGUAGES).map(([tag, name]) => {
    const button = html('button', { type: 'button', lang: tag, 'aria-pressed': String(tag === language()) }, name);
    button.addEventListener('click', () => {
      speak(tag as Language);
      renderAll();
    });
    return button;
  });
  place('languages').setAttribute('aria-label', say('Language'));
  place('languages').replaceChildren(...buttons);
}

speak(languageOf(window.location.search, navigator.languages));
place('portal').hidden = panel === null;
if (panel !== null) place('publish').replaceChildren(panel.element);
renderAll();
void panel?.begin();
