/** @module A line that a person types, or that a script pipes in. */

/** @returns the first line of standard input, without its end; empty when there is none */
export async function typedLine(): Promise<string> {
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const part of process.stdin) {
    text += String(part);
    if (text.includes('\n')) break;
  }
  process.stdin.pause();
  return text.split('\n')[0] ?? '';
}
