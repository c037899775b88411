// A stream of bytes -> one value a line. Lines are bounded; a line that is not JSON becomes a value no importer takes,
// so that its number is reported and the rest is read. A line may hold a secret and is never repeated.

import { StringDecoder } from 'node:string_decoder';

const lineCharactersMax = 64 * 1024;

/** What stands for a line that is not JSON. */
const unreadable = undefined;

/** Where a reader is: the number of the line, from 1, on which what it gave last begins. */
export interface LinePosition {
  line: number;
}

/** Values of the lines, in order; blank lines are skipped. */
export async function* readJsonLines(
  source: AsyncIterable<Uint8Array | string>,
  position: LinePosition = { line: 0 },
): AsyncGenerator {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of source) {
    rest += typeof chunk === 'string' ? chunk : decoder.write(Buffer.from(chunk));
    const lines = rest.split('\n');
    rest = (lines.pop() ?? '').slice(0, lineCharactersMax + 1);
    for (const line of lines) {
      position.line += 1;
      if (line.trim() !== '') yield parseLine(line);
    }
  }
  rest += decoder.end();
  position.line += 1;
  if (rest.trim() !== '') yield parseLine(rest);
}

const parseLine = (line: string): unknown => {
  if (line.length > lineCharactersMax) return unreadable;
  try {
    const value: unknown = JSON.parse(line.replace(/^\uFEFF/, ''));
    return value;
  } catch {
    return unreadable;
  }
};
