/** @module Lines that witnesses have sent back: from files beside the log, and from the checkpoint that is there already. */
import { join } from 'node:path';
import { cosignedAt } from '../../../protocol/directory/checkpoint.ts';
import { isBy, type Note, type NoteSignature, parseSignatureLine } from '../../../protocol/directory/note.ts';
import type { DirectoryPolicy } from '../../../protocol/directory/policy.ts';
import { COSIGNATURES_FOLDER, filesIn } from './folder.ts';

/**
 * @param note of a checkpoint
 * @param folder of the log
 * @returns of each witness of the policy the newest cosignature that holds for this very text
 */
export function collectCosignatures(note: Note, folder: string, { witnesses }: DirectoryPolicy): NoteSignature[] {
  const lines = filesIn(join(folder, COSIGNATURES_FOLDER)).flatMap(({ bytes }) =>
    new TextDecoder().decode(bytes).split('\n'),
  );
  const offered = [...note.signatures, ...lines.map((line) => parseSignatureLine(line))].filter((one) => one !== null);
  return witnesses.flatMap((witness) => {
    const held = offered
      .filter((signature) => isBy(signature, witness))
      .map((signature) => ({ signature, time: cosignedAt(note.text, signature, witness) ?? -1 }))
      .filter(({ time }) => time >= 0)
      .toSorted((a, b) => b.time - a.time);
    return held.slice(0, 1).map(({ signature }) => signature);
  });
}
