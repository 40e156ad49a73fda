import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { type PostOptions, postLines, type Reply } from './post.ts';
import type { Line } from './rows.ts';

const lines = (n: number, rowsOf: (line: number) => number = () => 1): Line[] =>
  Array.from({ length: n }, (_, i) => ({
    line: i + 2,
    rows: Array.from({ length: rowsOf(i) }, (_row, part) => ({ id: `${i}-${part}`, result: 1 })),
  }));
const reply = (status: number, body: unknown = {}, retryAfter: number | null = null): Reply => ({
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  retryAfter,
});

/** A server that answers as told, and what it was sent. */
function rig(answer: (ids: string[], attempt: number) => Reply) {
  const sent: string[][] = [];
  const waits: number[] = [];
  const progress: number[] = [];
  const options: PostOptions = {
    send: async (body) => {
      const { testResults } = JSON.parse(body) as { testResults: { id: string }[] };
      sent.push(testResults.map(({ id }) => id));
      return answer(sent.at(-1) ?? [], sent.length);
    },
    batchRows: 4,
    attempts: 3,
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
    onProgress: (done) => void progress.push(done),
  };
  return { sent, waits, progress, options };
}

describe('posting', () => {
  it('goes in batches that don’t part a line, whatever the lines hold', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(1, 2), { maxLength: 40 }), async (rows) => {
        const { sent, options } = rig(() => reply(204));
        const table = lines(rows.length, (i) => rows[i] ?? 1);
        const posted = await postLines(table, options);
        expect(posted).toMatchObject({ stored: rows.length, refused: [], notStored: [], requests: sent.length });
        expect(sent.flat()).toEqual(table.flatMap((line) => line.rows.map(({ id }) => id)));
        for (const batch of sent) {
          expect(batch.length).toBeLessThanOrEqual(4);
          for (const id of batch.filter((one) => one.endsWith('-1'))) expect(batch).toContain(id.replace('-1', '-0'));
        }
      }),
      { seed: 14, numRuns: 50 },
    );
  });

  it('tries again what fails on the way, later each time, and as the server asks', async ({ expect }) => {
    const { sent, waits, progress, options } = rig((_ids, attempt) => {
      if (attempt === 1) throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
      return attempt === 2 ? reply(503, '', 7) : reply(204);
    });
    const posted = await postLines(lines(6), options);
    expect(posted).toMatchObject({ stored: 6, notStored: [], requests: 4, stopped: null });
    expect(sent[0]).toEqual(sent[2]);
    expect(waits).toEqual([1000, 7000]);
    expect(progress).toEqual([4, 6]);
  });

  it('gives up after its attempts, and says of which lines it isn’t known', async ({ expect }) => {
    const { sent, waits, options } = rig((_ids, attempt) => (attempt === 1 ? reply(204) : reply(500)));
    const posted = await postLines(lines(10), options);
    expect(posted).toMatchObject({ stored: 4, refused: [], stopped: 'the server answers 500, 3 times' });
    expect(posted.notStored.map(({ line }) => line)).toEqual([6, 7, 8, 9, 10, 11]);
    expect([sent.length, waits.length]).toEqual([4, 2]);
  });

  it('takes rows of another laboratory out, and sends the rest again', async ({ expect }) => {
    const { sent, options } = rig((ids) => {
      const rows = ids.flatMap((id, at) => (id.startsWith('1-') ? [at] : []));
      return rows.length > 0
        ? reply(409, { error: 'rows of another laboratory; nothing was stored', rows })
        : reply(204);
    });
    const posted = await postLines(
      lines(3, (i) => (i === 1 ? 2 : 1)),
      options,
    );
    expect(posted).toMatchObject({ stored: 2, stopped: null });
    expect(posted.refused).toEqual([{ line: 3, reason: 'another laboratory has posted this test' }]);
    expect(sent).toEqual([
      ['0-0', '1-0', '1-1', '2-0'],
      ['0-0', '2-0'],
    ]);
  });

  it('takes a row out that the server finds wrong', async ({ expect }) => {
    const { options } = rig((ids) =>
      ids.includes('2-0')
        ? reply(400, { error: `testResults[${ids.indexOf('2-0')}].sc: must be Unix seconds, not in the future` })
        : reply(204),
    );
    const posted = await postLines(lines(5), options);
    expect(posted.stored).toBe(4);
    expect(posted.refused).toEqual([
      { line: 4, reason: 'the server refuses it: sc: must be Unix seconds, not in the future' },
    ]);
  });

  it.for([
    [401, { error: 'a verified client certificate is needed' }],
    [403, { error: 'this certificate is not in the list of laboratories' }],
    [404, '<html>'],
    [200, ''],
    [400, { error: 'body: ended early' }],
    [409, { rows: [99] }],
    [400, { error: 'testResults[99].id: no such row' }],
  ] as const)('ends at once at an answer that no other attempt mends: %s', async ([status, body], { expect }) => {
    const { sent, waits, options } = rig(() => reply(status, body));
    const posted = await postLines(lines(6), options);
    expect([posted.stored, posted.notStored.length, sent.length, waits.length]).toEqual([0, 6, 1, 0]);
    expect(posted.stopped).toContain(String(status));
  });
});
