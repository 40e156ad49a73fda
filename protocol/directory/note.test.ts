import { describe, it } from 'vitest';
import vectors from '../../test/vectors/transparency-log.json' with { type: 'json' };
import { fromHex, fromUtf8, toHex, utf8 } from '../primitives/bytes.ts';
import { checkpointText, cosign, lastCosignedAt, parseCheckpoint } from './checkpoint.ts';
import {
  isSignedBy,
  MAX_NOTE_BYTES,
  noteBytes,
  noteKeyText,
  noteSecret,
  noteSecretText,
  parseNote,
  parseNoteKey,
  parseNoteSecret,
  signNote,
} from './note.ts';

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('a value is expected');
  return value;
}

const { note: go, checkpoint: signed } = vectors;

describe('notes of other implementations', () => {
  it('hold: Go’s own example', ({ expect }) => {
    const note = present(parseNote(utf8(go.text)));
    const key = present(parseNoteKey(go.key));
    expect(isSignedBy(note, key)).toBe(true);
    expect(fromUtf8(noteBytes(note))).toBe(go.text);
    expect(isSignedBy({ ...note, text: `${note.text}x\n` }, key)).toBe(false);
    expect(noteKeyText(key)).toBe(go.key);
  });

  it('are written the same: a checkpoint by Go’s sumdb/note, cosigned by transparency-dev/formats', ({ expect }) => {
    const checkpoint = present(parseCheckpoint(utf8(signed.text)));
    const log = present(parseNoteSecret(signed.logSecret));
    expect(noteKeyText(log)).toBe(signed.logKey);
    expect(noteSecretText(log)).toBe(signed.logSecret);
    expect(toHex(checkpoint.root)).toBe(vectors.roots['300']);
    expect(checkpointText(checkpoint.origin, checkpoint)).toBe(checkpoint.note.text);
    const witness = noteSecret('witness.example/w1', 'cosignature', fromHex(signed.witnessSeed));
    expect(noteKeyText(witness)).toBe(signed.witnessKey);
    const at = present(lastCosignedAt(checkpoint.note, present(parseNoteKey(signed.witnessKey))));
    expect(at).toBeGreaterThan(1_700_000_000);
    const own = {
      text: checkpoint.note.text,
      signatures: [signNote(checkpoint.note.text, log), cosign(checkpoint.note.text, at, witness)],
    };
    expect(fromUtf8(noteBytes(own))).toBe(signed.text);
  });
});

describe('a note', () => {
  const key = noteSecret('log.example', 'note', new Uint8Array(32).fill(1));
  const other = noteSecret('log.example', 'note', new Uint8Array(32).fill(2));
  const note = { text: 'a\n\nb\n', signatures: [signNote('a\n\nb\n', key)] };

  it('may have empty lines; lines of unknown keys change nothing, one that claims a known key and fails spoils it', ({
    expect,
  }) => {
    const read = present(parseNote(noteBytes(note)));
    expect(read.text).toBe('a\n\nb\n');
    expect(isSignedBy({ ...read, signatures: [...read.signatures, signNote('z\n', other)] }, key)).toBe(true);
    expect(isSignedBy({ ...read, signatures: [...read.signatures, signNote('z\n', key)] }, key)).toBe(false);
    expect(isSignedBy(read, other)).toBe(false);
  });

  it.for<[what: string, text: string]>([
    ['nothing', ''],
    ['no signature', 'a\n\n'],
    ['no empty line', 'a\n— log.example AAAAAAAA\n'],
    ['no last line feed', 'a\n\n— log.example AAAAAAAA'],
    ['a hyphen for the dash', 'a\n\n- log.example AAAAAAAA\n'],
    ['a control character', 'a\u0007\n\n— log.example AAAAAAAA\n'],
    ['a carriage return', 'a\r\n\n— log.example AAAAAAAA\n'],
    ['a plus in the name', 'a\n\n— log+example AAAAAAAA\n'],
    ['an id alone', 'a\n\n— log.example AAAAAA==\n'],
    ['base64 with loose bits', 'a\n\n— log.example AAAAAAB=\n'],
    ['too much', `${'a'.repeat(MAX_NOTE_BYTES)}\n\n— log.example AAAAAAAA\n`],
    ['65 signatures', `a\n\n${'— log.example AAAAAAAA\n'.repeat(65)}`],
  ])('is none with %s', ([, text], { expect }) => {
    expect(parseNote(utf8(text))).toBeNull();
  });

  it('is no bytes that are no UTF-8', ({ expect }) => {
    expect(parseNote(Uint8Array.of(0xff, ...noteBytes(note)))).toBeNull();
  });

  it('keys are read only with the id that is theirs, of a type we know', ({ expect }) => {
    const text = noteKeyText(key);
    expect(parseNoteKey(text.replace(/\+[0-9a-f]{8}\+/, '+00000000+'))).toBeNull();
    expect(parseNoteKey(text.replace('log.', 'lag.'))).toBeNull();
    expect(parseNoteKey(`${text}AAAA`)).toBeNull();
    expect(parseNoteKey(noteSecretText(key))).toBeNull();
    expect(parseNoteSecret(noteSecretText(key).replace('log.', 'lag.'))).toBeNull();
    expect(() => noteSecret('a b', 'note', new Uint8Array(32))).toThrow(TypeError);
    expect(() => noteSecret('a', 'note', new Uint8Array(31))).toThrow(TypeError);
  });
});

describe('a checkpoint', () => {
  const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=';
  it.for<[what: string, text: string]>([
    ['two lines', `log.example\n20852163\n`],
    ['a size with a leading zero', `log.example\n020852163\n${root}\n`],
    ['a negative size', `log.example\n-1\n${root}\n`],
    ['a size beyond all numbers', `log.example\n9007199254740993000\n${root}\n`],
    ['a short root', `log.example\n5\nAAAA\n`],
    ['a fourth line, which no witness vouches for', `log.example\n5\n${root}\nmore\n`],
  ])('is none with %s', ([, text], { expect }) => {
    expect(parseCheckpoint(utf8(`log.example\n20852163\n${root}\n\n— x AAAAAAAA\n`))?.size).toBe(20_852_163);
    expect(parseCheckpoint(utf8(`${text}\n— x AAAAAAAA\n`))).toBeNull();
  });

  it('cosigned for another second, by another or over another text is not cosigned', ({ expect }) => {
    const text = checkpointText('log.example', { size: 5, root: new Uint8Array(32) });
    const witness = noteSecret('w.example', 'cosignature', new Uint8Array(32).fill(3));
    const line = cosign(text, 1_790_000_000, witness);
    expect(lastCosignedAt({ text, signatures: [line] }, witness)).toBe(1_790_000_000);
    const later = { ...line, signature: line.signature.with(7, (line.signature[7] ?? 0) ^ 1) };
    expect(lastCosignedAt({ text, signatures: [later] }, witness)).toBeNull();
    const shorter = { ...line, signature: line.signature.slice(1) };
    expect(lastCosignedAt({ text, signatures: [shorter] }, witness)).toBeNull();
    expect(lastCosignedAt({ text: text.replace('5', '6'), signatures: [line] }, witness)).toBeNull();
    const log = noteSecret('w.example', 'note', new Uint8Array(32).fill(3));
    expect(lastCosignedAt({ text, signatures: [signNote(text, log)] }, witness)).toBeNull();
  });
});
