/**
 * @module `npm run clock`: the clocks of all objects that publish or delete, and an operator's word for what time it is
 * (docs/deploy.md, "A clock that isn't believed").
 */
import type { ClockStatus } from '../domain/clock-status.ts';
import { flag, JSON_FLAG, url } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { confirmClocks, readClocks } from './support/operator.ts';

const time = (seconds: number | null): string =>
  seconds === null ? 'never' : `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

const line = ({ object, now, confirmed, held }: ClockStatus): string =>
  `${object.padEnd(12)} ${time(now)}  confirmed ${time(confirmed)}${held ? '  WAITS: its clock is not believed' : ''}`;

await run(
  {
    name: 'npm run clock',
    summary: 'Shows the clock of each object that publishes or deletes at the edge at URL, and which of them wait.',
    options: {
      confirm: flag("say that this machine's time is right: what waits for it goes on"),
      url: url('where the edge is', { default: 'http://127.0.0.1:8787' }),
      json: JSON_FLAG,
    },
    notes: `
Exit code: 0 every clock is believed, 1 one is not. Look at this machine's own clock before you confirm: what is published
and deleted by it can't be taken back.`,
    examples: [
      'npm run clock -- --url https://portal.example',
      'npm run clock -- --url https://portal.example --confirm',
    ],
  },
  async (options, { print }) => {
    const clocks = options.confirm
      ? await confirmClocks(options.url, Math.floor(Date.now() / 1000))
      : await readClocks(options.url);
    print(clocks, clocks.map((clock) => line(clock)).join('\n'));
    return clocks.some(({ held }) => held) ? 1 : 0;
  },
);
