// The settings file: text -> plain values, and where in the text each of them stands. The file is limited in size and
// in aliases, a key may stand once, and no message repeats its text, which may hold secrets.

import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type YAMLError,
} from 'yaml';
import { readTextFile } from './pem.ts';
import { type Read, right, wrong } from './reader.ts';
import { issueInFile, type Path, type Position, type SettingsIssue } from './settings-issue.ts';

export interface YamlFile {
  /** Plain values; an empty file is an empty mapping. */
  readonly tree: unknown;
  /** Position of a setting, or of the nearest one around it. */
  locate(path: Path): Position;
}

const fileBytesMax = 1024 * 1024;
const aliasesMax = 100;

export const readYamlFile = (file: string, mayBeEmpty: boolean): YamlFile | readonly SettingsIssue[] => {
  const fault = (message: string, position?: Position): SettingsIssue =>
    issueInFile(file, position, '', message);
  const start = { line: 1, column: 1 };
  const text = readTextFile(file, 'the settings');
  if (!text.ok) return [fault(`${text.message}; name another file with --config FILE`)];
  if (Buffer.byteLength(text.value) > fileBytesMax)
    return [fault(`is larger than ${fileBytesMax} bytes; settings are a page or two`, start)];
  if (text.value === '' && !mayBeEmpty)
    return [fault('is empty, as while it is being written; write the settings', start)];
  const lines = new LineCounter();
  const document = parseDocument(text.value, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const errors = independent([...document.errors, ...document.warnings]);
  if (errors.length > 0)
    return errors.map(({ code, pos }) => fault(explanations[code] ?? notYaml, at(pos[0])));
  try {
    const tree: unknown = document.toJS({ maxAliasCount: aliasesMax });
    // Throws where a value holds itself.
    JSON.stringify(tree);
    return { tree: tree ?? {}, locate: (path) => at(offsetOf(document, path)) };
  } catch {
    return [
      fault(
        'has too many aliases (*name), or one without its anchor or within it; write the values out',
        start,
      ),
    ];
  }
};

/** A value written in YAML or JSON in one environment variable or option. */
export const parseInline = (text: string): Read<unknown> => {
  const document = parseDocument(text, { prettyErrors: false, stringKeys: true });
  if (document.errors.length === 0 && document.warnings.length === 0)
    try {
      const value: unknown = document.toJS({ maxAliasCount: 0 });
      return right(value);
    } catch {
      // An alias: as wrong here as a fault in the syntax.
    }
  return wrong(
    'is not YAML or JSON (its value is not shown); write it in one line, e.g. [{"name": "all", "path": "/*", "scopes": []}]',
  );
};

/** After the first fault in the syntax the parser is lost, and what it says further on means little. */
const independent = (faults: readonly YAMLError[]): readonly YAMLError[] => {
  const ofContent = ['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED', 'BAD_DQ_ESCAPE'];
  const firstOfSyntax = faults.find(({ code }) => !ofContent.includes(code));
  return faults.filter((fault) => fault === firstOfSyntax || ofContent.includes(fault.code));
};

const notKeyValue =
  'is not "key: value"; check the colon and the indentation, and quote a value that contains ": "';

const notYaml = 'is not valid YAML; check the indentation, and put values with { } [ ] , # : or * in quotes';

/** The parser's own messages may quote the file, so its codes are put into words here. */
const explanations: Readonly<Partial<Record<ErrorCode, string>>> = {
  DUPLICATE_KEY: 'the same key stands twice in one mapping; keep one',
  TAB_AS_INDENT: 'is indented with a tab; indent with blanks',
  BAD_INDENT: 'is indented in a way that makes no sense here; line it up with its neighbours',
  MULTIPLE_DOCS: 'holds several documents (---); keep one',
  TAG_RESOLVE_FAILED: 'has a tag (!name) that means nothing here; remove it',
  BAD_ALIAS:
    'refers to an anchor (*name) that does not exist, or is written badly; put a value that starts with * in quotes',
  BAD_DQ_ESCAPE: 'has an unknown \\escape in double quotes; use single quotes',
  MISSING_CHAR: 'lacks a closing quote, bracket, or a comma',
  BLOCK_AS_IMPLICIT_KEY: notKeyValue,
  MULTILINE_IMPLICIT_KEY: notKeyValue,
  NON_STRING_KEY: 'has a key that is not text; write the key in quotes',
};

const offsetOf = (document: Document, path: Path): number => {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : key) === String(part));
      if (pair === undefined) return offset;
      next = pair.value;
      offset = isScalar(next) ? (startOf(pair.value) ?? offset) : (startOf(pair.key) ?? offset);
      if (isScalar(next) && next.value === null) offset = startOf(pair.key) ?? offset;
    } else if (isSeq(node) && typeof part === 'number') {
      next = node.items[part];
      if (next === undefined) return offset;
      offset = startOf(next) ?? offset;
    } else return offset;
    node = next;
  }
  return offset;
};

const startOf = (node: unknown): number | undefined =>
  isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range?.[0] : undefined;
