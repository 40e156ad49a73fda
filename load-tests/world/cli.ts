/**
 * @module `npm run world`: what it costs when regions of the whole world exchange keys: requests, bytes, signatures and storage for all-to-all and for partial replication (docs/worldwide.md). `--play` holds the
 * model to simulated backends.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decimal, JSON_FLAG, text, wholeNumber } from '../../scripts/support/command-line/arguments.ts';
import { run, UsageError } from '../../scripts/support/command-line/command.ts';
import type { Measured } from '../capacity/assumptions.ts';
import { checkModel, PLAYED } from './check.ts';
import { asCheck, asGrowth, asSvg, asTable, POINTS } from './output.ts';
import { AS_BUILT, daysOf, SCHEMES } from './schemes.ts';
import { faultOf, WORLD, type World } from './world.ts';

const share = (about: string, value: number) => decimal(about, { min: 0, max: 1, default: value });

await run(
  {
    name: 'npm run world',
    summary: `Requests, bytes, signatures and storage when regions of the whole world exchange keys: all-to-all against partial replication, from measured bytes (load-tests/measured.json). Ends with 1 when a run of
      simulated backends is further off the model than its bound.`,
    options: {
      phones: decimal('phones that poll hourly', { min: 0, max: 1e11, default: WORLD.phones }),
      cases: decimal('cases a day', { min: 1, max: 1e7, default: WORLD.casesPerDay }),
      'keys-per-case': wholeNumber('keys a case, a day each', { min: 1, max: 14, default: WORLD.keysPerCase }),
      regions: wholeNumber('regions, alike', { min: 2, max: 600, default: WORLD.regions }),
      clusters: wholeNumber('clusters of regions, alike', { min: 1, max: 600, default: WORLD.clusters }),
      travellers: share('share of people who were in another region in the last 14 days', WORLD.travellers),
      'in-cluster': share('share of these who stayed within their cluster', WORLD.travelInCluster),
      visited: wholeNumber('other regions that such a person was in', {
        min: 1,
        max: 14,
        default: WORLD.regionsVisited,
      }),
      consent: share('share of cases who let their keys go to other regions', WORLD.consent),
      'phase-two': share('share of regions in phase II: a test abroad opens an upload at home', WORLD.phaseTwo),
      'tested-abroad': share('share of travelling cases who are tested there', WORLD.testedAbroad),
      play: wholeNumber(
        `plays so many days of ${PLAYED.regions} simulated backends in ${PLAYED.clusters} clusters, ${PLAYED.casesPerDay} cases a day, and compares; 0: doesn't`,
        { min: 0, max: 100, default: 0 },
      ),
      svg: text('writes the charts against regions and travellers', { placeholder: 'FILE', default: null }),
      json: JSON_FLAG,
    },
    examples: [
      'npm run world',
      'npm run world -- --play 4',
      'npm run world -- --travellers 0.2 --phase-two 0.5 --svg world.svg',
    ],
  },
  async (given, { print }) => {
    const world: World = {
      ...WORLD,
      phones: given.phones,
      casesPerDay: given.cases,
      keysPerCase: given['keys-per-case'],
      regions: given.regions,
      clusters: given.clusters,
      travellers: given.travellers,
      travelInCluster: given['in-cluster'],
      regionsVisited: given.visited,
      consent: given.consent,
      phaseTwo: given['phase-two'],
      testedAbroad: given['tested-abroad'],
    };
    const fault = faultOf(world);
    if (fault !== null) throw new UsageError(fault);
    const measured = JSON.parse(readFileSync(join(import.meta.dirname, '../measured.json'), 'utf8')) as Measured;
    const days = daysOf(measured, world);
    const played = [];
    for (const { name, how } of given.play === 0 ? [] : SCHEMES) {
      process.stderr.write(`world: ${name}, ${given.play} days of ${PLAYED.regions} backends …\n`);
      played.push({ name, checked: await checkModel({ ...PLAYED, ...how }, { days: given.play, before: 4, seed: 1 }) });
    }
    const missed = played.flatMap(({ checked }) => checked.filter(({ off, bound }) => off > bound));
    const schemes = SCHEMES.map(({ name }, index) => ({ name, day: days[index] }));
    const table = [asTable(world, days), '', asGrowth(measured, world, AS_BUILT)].join('\n');
    print(
      { world, schemes, played },
      played.length === 0 ? table : `${table}\n\n${asCheck(PLAYED, given.play, played)}`,
    );
    if (given.svg !== null) writeFileSync(given.svg, asSvg(measured, world, POINTS));
    return missed.length === 0 ? 0 : 1;
  },
);
