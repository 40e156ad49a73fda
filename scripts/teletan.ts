/**
 * @module `npm run -s teletan`: what a person gets who calls the hotline of a local edge. Deployed, staff issue teleTANs in the portal.
 */
import { JSON_FLAG, url } from './support/command-line/arguments.ts';
import { run } from './support/command-line/command.ts';
import { callHotline } from './support/operator.ts';

await run(
  {
    name: 'npm run -s teletan',
    summary:
      'Calls the simulated hotline of the local edge at URL, and prints the teleTAN that it says: for phone type.',
    options: { url: url('where the local edge is', { default: 'http://127.0.0.1:8787' }), json: JSON_FLAG },
    notes: `
It opens a positive test, once, within an hour of the local clock. Deployed, staff issue teleTANs in the portal; no command does.`,
    examples: ['npm run -s teletan -- --url http://127.0.0.1:8787'],
  },
  async (options, { print }) => {
    const teleTan = await callHotline(options.url);
    print({ teleTan }, teleTan);
    return 0;
  },
);
