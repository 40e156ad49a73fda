/**
 * @module The parts of the explorer's page: controls, score tables, results, one encounter in detail, findings.
 */
import type { Parameters } from '../protocol/parameters/document.ts';
import type { Violation } from '../protocol/parameters/violation.ts';
import { type Group, SCORE_TABLES, readNumber, writeNumber } from './controls.ts';
import { html } from './dom.ts';
import type { Encounter } from './encounters.ts';
import type { Evaluation } from './evaluate.ts';
import { say, sayViolation } from './texts/say.ts';

/** @param changed called after a value was set in place */
export function controlPanel(groups: readonly Group[], parameters: Parameters, changed: () => void): HTMLElement[] {
  return groups.map(({ title, hint, controls, hasScores }, n) => {
    const body = html('div', { class: 'controls' });
    for (const { label, paths, min, max, step } of controls) {
      const output = html('output', {}, String(readNumber(parameters, paths[0]!)));
      const input = html('input', { type: 'range', min, max, step, 'aria-label': label, 'data-path': paths[0]! });
      input.value = String(readNumber(parameters, paths[0]!));
      input.addEventListener('input', () => {
        for (const path of paths) writeNumber(parameters, path, Number(input.value));
        output.textContent = input.value;
        changed();
      });
      body.append(html('label', {}, html('span', {}, label), input, output));
    }
    const details = html('details', n === 0 ? { open: '' } : {}, html('summary', {}, title), html('p', {}, hint), body);
    if (hasScores) details.append(scoreTables(parameters, changed));
    return details;
  });
}

/** The 32 level values of GAEN v1. */
function scoreTables(parameters: Parameters, changed: () => void): HTMLElement {
  const table = html('table', { class: 'scores' });
  for (const { title: phrase, unit, member, slots } of SCORE_TABLES) {
    const title = say(phrase);
    const unitText = unit === 'dB' || unit === 'min' ? unit : say(unit);
    const head = html('tr', {}, html('th', { scope: 'row' }, `${title}, ${unitText}`));
    const row = html('tr', {}, html('td', {}, say('value')));
    slots.forEach((slot, n) => {
      const path = `v1.exposureConfiguration.${member}.${n}`;
      const input = html('input', {
        type: 'number',
        min: 0,
        max: 8,
        'aria-label': `${title} ${slot}`,
        'data-path': path,
      });
      input.value = String(readNumber(parameters, path));
      input.addEventListener('input', () => {
        // An emptied field is no 0: it is left as it was until there is a number.
        if (input.value === '') return;
        writeNumber(parameters, path, Number(input.value));
        changed();
      });
      head.append(html('th', { scope: 'col' }, slot));
      row.append(html('td', {}, input));
    });
    table.append(head, row);
  }
  return table;
}

const LEVEL_NAMES = ['no risk', 'LOW', 'HIGH'] as const;
const UINT8_MAX = 255;

/** @returns 0, 1 or 2 */
const levelNumber = (evaluation: Evaluation): 0 | 1 | 2 => evaluation.cwa.level ?? 0;

function badge(text: string, kind: 'none' | 'low' | 'high'): HTMLElement {
  return html('span', { class: `badge ${kind}` }, text);
}

/** @param select called with the row's number */
export function resultTable(
  rows: readonly { readonly encounter: Encounter; readonly evaluation: Evaluation }[],
  selected: number,
  select: (row: number) => void,
): HTMLElement {
  const headings = [
    'Encounter',
    'v1 score (Android)',
    'v1 score (iOS)',
    'v1 minutes',
    'CWA minutes',
    'CWA level',
    'Summary, min',
    'Figure 12',
  ] as const;
  const table = html('table', { class: 'results' });
  table.append(html('thead', {}, html('tr', {}, ...headings.map((text) => html('th', { scope: 'col' }, say(text))))));
  const body = html('tbody');
  rows.forEach(({ encounter, evaluation }, n) => {
    const { v1, cwa, weightedSum } = evaluation;
    const level = levelNumber(evaluation);
    const button = html('button', { type: 'button', 'aria-pressed': String(n === selected) }, say(encounter.name));
    button.addEventListener('click', () => select(n));
    const ios = v1.iosScore > UINT8_MAX ? `${UINT8_MAX} (${v1.iosScore.toExponential(1)})` : String(v1.iosScore);
    body.append(
      html(
        'tr',
        { 'data-encounter': encounter.name, ...(n === selected ? { class: 'selected' } : {}) },
        html('th', { scope: 'row' }, button),
        html('td', { 'data-cell': 'android' }, String(v1.androidScore)),
        html('td', { 'data-cell': 'ios' }, ios),
        html('td', { 'data-cell': 'combined' }, `${v1.combinedMinutes.toFixed(1)} `, v1.riskClass),
        html('td', { 'data-cell': 'normalized' }, cwa.normalizedMinutes.toFixed(1)),
        html('td', { 'data-cell': 'level' }, badge(say(LEVEL_NAMES[level]), (['none', 'low', 'high'] as const)[level])),
        html('td', { 'data-cell': 'summary' }, String(evaluation.summaryMinutes)),
        html(
          'td',
          { 'data-cell': 'sum' },
          `${weightedSum.total} ${weightedSum.riskLevel} `,
          ...(weightedSum.alert ? [badge(say('alert'), 'high')] : []),
        ),
      ),
    );
  });
  table.append(body);
  return table;
}

/** The windows of one encounter and what became of each. */
export function windowTable(evaluation: Evaluation): HTMLElement {
  const headings = ['Window', 'Scans', 'Min. dB', 'Weighted min', '× risk value', 'Normalized min', 'Level'] as const;
  const table = html('table', { class: 'windows' });
  table.append(html('thead', {}, html('tr', {}, ...headings.map((text) => html('th', { scope: 'col' }, say(text))))));
  evaluation.windows.forEach(({ window, risk }, n) => {
    const strongest = Math.min(...window.scanInstances.map((instance) => instance.minAttenuationDb));
    const cells =
      risk === null
        ? [say('dropped'), '', '', '']
        : [
            risk.weightedMinutes.toFixed(1),
            say('{value} (level {level})', { value: risk.transmissionRiskValue, level: risk.transmissionRiskLevel }),
            risk.normalizedTime.toFixed(1),
            say(LEVEL_NAMES[risk.riskLevel]),
          ];
    const texts = [String(n + 1), String(window.scanInstances.length), String(strongest), ...cells];
    table.append(html('tr', {}, ...texts.map((text) => html('td', {}, text))));
  });
  return table;
}

/** What stands in the way of publishing. */
export function findings(violations: readonly Violation[]): HTMLElement {
  if (violations.length === 0) return html('p', { class: 'valid' }, say('This document can be published.'));
  return html('div', {}, html('p', {}, say('This document can’t be published:')), violationList(violations));
}

/** Each rule that is broken, where and by what. */
export function violationList(violations: readonly Violation[]): HTMLElement {
  const list = html('ul', { class: 'violations' });
  for (const violation of violations) list.append(html('li', {}, sayViolation(violation)));
  return list;
}
