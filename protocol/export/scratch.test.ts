import { describe, it } from 'vitest';
import { ExportWriter, exportZip } from './export-file.ts';
import { exactMemory, newScratch } from './scratch.ts';

describe('memory', () => {
  it('of a file that somebody keeps is as long as the file', ({ expect }) => {
    const header = { startTimestamp: 0, endTimestamp: 3600, region: 'DE', keyId: '262', keyVersion: 'v1' };
    const bin = new ExportWriter(header, 0).finish();
    const zip = exportZip(bin, new Uint8Array(100));
    expect([bin.buffer.byteLength, zip.buffer.byteLength]).toEqual([bin.length, zip.length]);
  });

  it('is fresh and zero from the one, the same again from the other', ({ expect }) => {
    const fresh = [exactMemory(3), exactMemory(3)];
    expect(fresh).toEqual([new Uint8Array(3), new Uint8Array(3)]);
    expect(fresh[0]!.buffer).not.toBe(fresh[1]!.buffer);
    const scratch = newScratch();
    expect(scratch(3).buffer).toBe(scratch(5_000).buffer);
    expect(scratch(3)).toHaveLength(3);
  });
});
