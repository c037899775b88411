// What is wrong with a setting, where it stands and what to write instead; and how a value may be shown in a message.
// Nothing here prints a secret: values that may hold one are masked before they get into a message.

export interface SettingsIssue {
  /** Dotted path of the setting, e.g. `routes[2].scopes`; empty for the file as a whole. */
  readonly path: string;
  /** The settings file; undefined when the value came from elsewhere. */
  readonly file: string | undefined;
  /** Counted from 1. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Where the value came from, for a person: `tollgate.yaml:12:3`, `environment variable TOLLGATE_LISTEN`, `option listen`. */
  readonly source: string;
  readonly message: string;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** What is wrong at a position of the settings file, or with a default where there is no file. */
export const issueInFile = (
  file: string | undefined,
  position: Position | undefined,
  path: string,
  message: string,
): SettingsIssue => ({
  path,
  file,
  line: position?.line,
  column: position?.column,
  source: [file ?? 'defaults', position?.line, position?.column]
    .filter((part) => part !== undefined)
    .join(':'),
  message,
});

/** What is wrong with a variable or an option: `source`. */
export const issueOutside = (source: string, path: string, message: string): SettingsIssue => ({
  ...issueInFile(undefined, undefined, path, message),
  source,
});

export type Path = readonly (string | number)[];

export type Report = (path: Path, message: string) => void;

/** `['routes', 2, 'scopes']` as `routes[2].scopes`. */
export const dotted = (path: Path): string =>
  path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );

/** One line for a person: `tollgate.yaml:12:3: routes[2].scopes: ...`. */
export const issueLine = ({ source, path, message }: SettingsIssue): string =>
  [source, path, message].filter((part) => part !== '').join(': ');

const shownCharsMax = 60;

/** A value as a message may show it: quoted, short, on one line, without the password or the query of a URL. */
export const shown = (value: unknown): string => {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'string') return 'a mapping';
  const masked = value
    .replace(/^([a-z][a-z0-9+.-]*:(?:\/\/)?)?.*@/is, '$1***@')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^?]*)\?.*/is, '$1?***');
  const short = masked.length > shownCharsMax ? `${masked.slice(0, shownCharsMax)}...` : masked;
  return JSON.stringify(short);
};

/** The known name nearest to a mistyped one, or undefined when none is near. */
export const closest = (name: string, known: readonly string[]): string | undefined => {
  const folded = fold(name);
  const distanceMax = folded.length < 3 ? 0 : Math.max(1, Math.floor(folded.length / 3));
  const [nearest] = known
    .map((candidate) => ({ candidate, distance: editDistance(folded, fold(candidate)) }))
    .toSorted((a, b) => a.distance - b.distance);
  return nearest !== undefined && nearest.distance <= distanceMax ? nearest.candidate : undefined;
};

const fold = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[-_.\s]/g, '')
    .slice(0, 80);

/** Optimal string alignment distance: a swap of neighbours counts one. */
const editDistance = (a: string, b: string): number => {
  /** Row and column: how many characters of `a` and `b` are compared. */
  const table: number[][] = [];
  const at = (row: number, column: number): number => table[row]?.[column] ?? Infinity;
  for (let row = 0; row <= a.length; row++) {
    const current: number[] = [];
    table.push(current);
    for (let column = 0; column <= b.length; column++) {
      const cost = a[row - 1] === b[column - 1] ? 0 : 1;
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const distance = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + cost,
        isSwap ? at(row - 2, column - 2) + 1 : Infinity,
      );
      current.push(row === 0 || column === 0 ? row + column : distance);
    }
  }
  return at(a.length, b.length);
};

/** What to write in place of a name that is none of these; there is at least one. */
export const known = (written: string, names: readonly string[]): string => {
  const near = closest(written, names);
  return near === undefined ? `write one of ${names.join(', ')}` : `did you mean ${near}?`;
};
