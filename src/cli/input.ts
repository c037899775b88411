// Text from a stream of bytes: standard input, or a file. Lines of JSON are bounded; a line that is not JSON becomes a value
// no importer takes, so that its number is reported and the rest is read. A line may hold a secret and is never repeated.

export type Bytes = AsyncIterable<Uint8Array | string>;

/** The text, piece by piece, without a byte order mark. */
export async function* textOf(source: Bytes): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of source)
    yield typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

export const readInput = async (source: Bytes, isEnough: (text: string) => boolean): Promise<string> => {
  let text = '';
  for await (const piece of textOf(source)) {
    text += piece;
    if (isEnough(text)) break;
  }
  return text;
};

/** Where a reader is: the number of the line, from 1, on which what it gave last begins. */
export interface LinePosition {
  line: number;
}

const lineCharactersMax = 64 * 1024;

/** Values of the lines, in order; blank lines are skipped. */
export async function* readJsonLines(source: Bytes, position: LinePosition): AsyncGenerator {
  let rest = '';
  for await (const piece of textOf(source)) {
    const lines = (rest + piece).split('\n');
    rest = (lines.pop() ?? '').slice(0, lineCharactersMax + 1);
    for (const line of lines) {
      position.line += 1;
      if (line.trim() !== '') yield parseLine(line);
    }
  }
  position.line += 1;
  if (rest.trim() !== '') yield parseLine(rest);
}

/** Undefined for a line that is too long, or not JSON. */
const parseLine = (line: string): unknown => {
  if (line.length > lineCharactersMax) return undefined;
  try {
    const value: unknown = JSON.parse(line.replace(/^\uFEFF/, ''));
    return value;
  } catch {
    return undefined;
  }
};
