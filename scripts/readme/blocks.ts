/**
 * @module The shell blocks of a README, and what is to be done with each: run, kept running while the later ones are, or left out
 * for a reason that stands in a comment above it.
 */

/** One block of shell commands. */
export interface Block {
  /** Line of its first command, from 1. */
  readonly line: number;
  readonly commands: string;
  /** `stays`: runs until the end, and is ready once it prints `until`. */
  readonly how:
    | { readonly kind: 'run' }
    | { readonly kind: 'stays'; readonly until: string }
    | { readonly kind: 'not-run'; readonly because: string };
}

const FENCE = /^```(sh|bash|shell|console)\s*$/;
const STAYS = /^<!-- ci: stays, until it says "(.+)" -->$/;
const NOT_RUN = /^<!-- ci: not run, because (.{10,}) -->$/;

function howOf(above: string): Block['how'] {
  const [, until] = STAYS.exec(above) ?? [];
  if (until !== undefined) return { kind: 'stays', until };
  const [, because] = NOT_RUN.exec(above) ?? [];
  if (because !== undefined) return { kind: 'not-run', because };
  if (above.startsWith('<!-- ci:')) throw new Error(`not understood: ${above}`);
  return { kind: 'run' };
}

/**
 * @param markdown a document
 * @returns its shell blocks in order
 * @throws Error when a comment `ci:` above a block isn't understood, or a block doesn't end
 */
export function shellBlocks(markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    if (!FENCE.test(lines[at] ?? '')) continue;
    const end = lines.indexOf('```', at + 1);
    if (end === -1) throw new Error(`line ${at + 1}: the block doesn't end`);
    blocks.push({ line: at + 2, commands: lines.slice(at + 1, end).join('\n'), how: howOf(lines[at - 1] ?? '') });
    at = end;
  }
  return blocks;
}
