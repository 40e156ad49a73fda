import { deploy } from './deployment.ts';
import { POPULATIONS } from './populations.ts';
import { Seeded } from './seeded.ts';
import { bestScore } from './classifier.ts';
import { currentDecoys, formerDecoys } from './fillers.ts';
const HOURS = [
  ['all', 0, 23],
  ['00-05', 0, 5],
  ['06-11', 6, 11],
  ['07', 7, 7],
  ['12-17', 12, 17],
  ['18-23', 18, 23],
] as const;
const [, , modes = 'former,now', n = '400', per = '4', warm = '60', which = ''] = process.argv;
for (const mode of modes.split(','))
  for (const p of POPULATIONS.filter((p) => p.name.includes(which))) {
    const r = new Seeded(5);
    const t = Date.now();
    const chunks = deploy(p, mode === 'former' ? formerDecoys(r) : currentDecoys(r), r, {
      perDay: +per,
      chunks: +n,
      warmUp: +warm,
    });
    const t1 = Date.now();
    const b = await bestScore(chunks, new Seeded(9), HOURS);
    console.log(
      mode.padEnd(7),
      p.name.padEnd(24),
      [...b].map(([k, v]) => `${k} ${v.auc.toFixed(3)}..${v.high.toFixed(3)} (${v.realKeys})`).join(' | '),
      b.get('all')!.classifier[0],
      t1 - t,
      Date.now() - t1,
    );
  }
