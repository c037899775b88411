// A stream of CSV (RFC 4180) with a line of headings -> one object a record, its values texts. Records are bounded; what
// cannot be read becomes a value no importer takes, so that its number is reported and the rest is read: csv-parse, told to
// skip such records, loses everything behind one that is too long. A record may hold a secret and is never repeated.

import { type Bytes, type LinePosition, textOf } from './input.ts';

const recordCharactersMax = 64 * 1024;

/** A file that cannot be read as CSV at all; the message says what to do. */
export class CsvUnusable extends Error {}

/** Objects of the records, in order; empty fields are left out, blank lines skipped. Throws CsvUnusable at its first line. */
export async function* readCsv(source: Bytes, position: LinePosition = { line: 0 }): AsyncGenerator {
  let headings: readonly string[] | undefined;
  for await (const fields of readRecords(source, position)) {
    if (fields !== undefined && fields.length === 1 && fields[0]?.trim() === '') continue;
    if (headings === undefined) headings = headingsOf(fields ?? []);
    else yield fields?.length === headings.length ? objectOf(headings, fields) : undefined;
  }
}

const headingsOf = (fields: readonly string[]): readonly string[] => {
  const [only = '', ...others] = fields;
  const separator = others.length > 0 ? undefined : /[;\t|]/.exec(only)?.[0];
  if (separator !== undefined)
    throw new CsvUnusable(
      `the headings are separated by ${separator === '\t' ? 'tabs' : separator}, and must be by commas, ` +
        'as must the fields: save it again as CSV with commas',
    );
  return fields.map((name) => name.trim().replace(/^\uFEFF/, ''));
};

const objectOf = (headings: readonly string[], fields: readonly string[]): object =>
  Object.fromEntries(
    headings.flatMap((name, index) => {
      const value = fields[index] ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  );

/** The fields of each record; undefined for one that is too long or whose quotes do not match. */
async function* readRecords(
  source: Bytes,
  position: LinePosition,
): AsyncGenerator<readonly string[] | undefined> {
  let record = '';
  let isQuoted = false;
  let line = 1;
  position.line = 1;
  for await (const piece of textOf(source))
    for (const character of piece) {
      if (character === '"') isQuoted = !isQuoted;
      if (character === '\n') line += 1;
      if (character === '\n' && !isQuoted) {
        yield fieldsOf(record);
        record = '';
        position.line = line;
      } else if (record.length <= recordCharactersMax) record += character;
    }
  if (record !== '') yield isQuoted ? undefined : fieldsOf(record);
}

const fieldGrammar = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;

const fieldsOf = (line: string): readonly string[] | undefined => {
  const record = line.replace(/\r$/, '');
  if (record.length > recordCharactersMax) return undefined;
  const fields: string[] = [];
  fieldGrammar.lastIndex = 0;
  for (;;) {
    const match = fieldGrammar.exec(record);
    if (match === null) return undefined;
    fields.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '') return fields;
  }
};
