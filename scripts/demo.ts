/**
 * @module `npm run demo`: one story on the local edge with the local clock, from upload to match, with a table at its end.
 */
import { testRandom } from '../phone/testing/random.ts';
import { existingFile, flag, oneOf, text, wholeNumber } from './support/command-line/arguments.ts';
import { run, UsageError } from './support/command-line/command.ts';
import { MOST_SITES } from './demo/enterprise/sites.ts';
import { playReplay, REPLAY_POLICY } from './demo/replay.ts';
import { finish, startProgress } from './demo/report.ts';
import { riskTable } from './demo/risk.ts';
import { clearOut } from './demo/stage.ts';
import { playStory, STORY_POLICY } from './demo/story.ts';

await run(
  {
    name: 'npm run demo',
    summary: `Plays one story on a local edge: 200 infected phones of 1,000 upload beside dummies, an hour is sealed, phones download,
      verify and match; a batch of code cards proves forged, two people roll it back, and phones take warnings back. Leaves in
      out/demo/ the hour's chunks, public.pem, summary.json and a picture of the story, demo.svg. Ends with 1 if anything is wrong.`,
    options: {
      story: oneOf(
        `which; federation: two countries and a company's site exchange keys, each a backend of its own; one is killed, a feed is altered, a
        certificate taken back; it leaves summary.json in out/demo-federation/. travel: people of three countries meet at home and abroad, and test
        positive at home and abroad; who is warned of whom, after how long, and what each country saw of each phone; it leaves summary.json in
        out/demo-travel/. enterprise: the sites of one company, which read each other
        all-to-all; some 300 MB of memory each, and minutes; it leaves summary.json in out/demo-enterprise/`,
        { country: '', federation: '', travel: '', enterprise: '' },
        'country',
      ),
      dialect: oneOf(
        `of the story country: what its phones speak. google: 200 people with unmodified apps of Google's: codes, certificates, index.txt; the next
        day's key, a suspicion that is borne out, one that is not, chaff; it leaves chunks, index.txt with its files, public.pem and summary.json in out/demo/google/`,
        { cwa: '', google: '' },
        'cwa',
      ),
      sites: wholeNumber('of the story enterprise: how many', { min: 3, max: MOST_SITES, default: 24 }),
      replay: existingFile(
        `plays a real export file instead: sets the clock to its week, uploads its keys as patients, and shows that exactly the
        same keys come out`,
        { placeholder: 'FILE.zip', default: null },
      ),
      seed: text('another story with other keys; the same text gives the same keys', { default: 'demo' }),
      json: flag('prints summary.json instead of the table, progress on stderr'),
    },
    examples: [
      'npm run demo',
      'npm run demo -- --dialect google',
      'npm run demo -- --story federation',
      'npm run demo -- --story travel',
      'npm run demo -- --story enterprise --sites 24',
      'npm run demo -- --replay test/vectors/internals-sample_diagnosis_key_file.zip',
    ],
  },
  async ({ story, dialect, sites, replay, seed, json }, { say }) => {
    if (story !== 'country' && replay !== null) throw new UsageError('--replay: is for the story country');
    if (dialect !== 'cwa' && (story !== 'country' || replay !== null)) {
      throw new UsageError('--dialect: is for the story country, without --replay');
    }
    const progress = startProgress(say);
    progress('the Workers start on this machine');
    if (dialect === 'google') {
      const { googleStory } = await import('./demo/google/play.ts');
      return googleStory(testRandom(seed), progress, json);
    }
    if (story === 'federation') {
      const { federationStory } = await import('./demo/federation/play.ts');
      return federationStory(testRandom(seed), progress, json);
    }
    if (story === 'travel') {
      const { travelStory } = await import('./demo/travel/play.ts');
      return travelStory(testRandom(seed), progress, json);
    }
    if (story === 'enterprise') {
      const { enterpriseStory } = await import('./demo/enterprise/play.ts');
      return enterpriseStory(sites, testRandom(seed), progress, json);
    }
    clearOut();
    const problems: string[] = [];
    // Loaded late: --help and a wrong call answer at once.
    const { startLocalEdge } = await import('../local-edge/local-edge.ts');
    // A Worker that prints something has met an error it did not expect.
    const edge = await startLocalEdge({
      vars: { origin: replay === null ? STORY_POLICY : REPLAY_POLICY },
      onLog: (line) => void problems.push(`a Worker said: ${line}`),
    });
    try {
      const random = testRandom(seed);
      const ending = await (replay === null
        ? playStory(edge, random, progress)
        : playReplay(replay, edge, random, progress));
      problems.push(...ending.problems);
      progress('done');
      const risks = ending.risks ?? [];
      if (!json && risks.length > 0) process.stdout.write(`\n${riskTable(risks)}\n`);
      const code = finish(ending.rows, problems, json);
      const chunk = ending.rows.find(({ name }) => name === 'chunk')?.value;
      if (!json) process.stdout.write(`\nLook inside:  npm run -s phone -- keys ${String(chunk)}\n`);
      return code;
    } finally {
      await edge.dispose();
    }
  },
);
