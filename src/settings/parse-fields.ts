// Written values -> typed fields, with every fault at once. What is faulty is then taken out, so that the rest can still
// be judged as a whole: a person sees all problems in one run, not one a run.

import type { z } from 'zod';
import { schemaAt, shapeOf } from './field.ts';
import { closest, type Path } from './settings-issue.ts';
import { type FileFields, fileFields } from './schema.ts';

export interface ParsedFields {
  /** Undefined when nothing is left to judge. */
  readonly fields: FileFields | undefined;
  /** For each of `fields.routes`, its index in the file. */
  readonly routeIndexes: readonly number[];
}

type Report = (path: Path, message: string) => void;
type Issue = z.core.$ZodIssue;

/** Enough for every faulty value to be missed once more, by what needs it. */
const roundsMax = 100;

export const parseFields = (tree: unknown, report: Report): ParsedFields => {
  const first = fileFields.safeParse(tree);
  if (first.success) return { fields: first.data, routeIndexes: first.data.routes.map((_, index) => index) };
  for (const issue of first.error.issues) reportIssue(issue, report);
  const rest: unknown = structuredClone(tree);
  let issues: readonly Issue[] = first.error.issues;
  for (let round = 0; round < roundsMax; round++) {
    const places = issues.flatMap(pathsOf).map((path) => placeOf(rest, path));
    for (const place of places) if (place !== undefined) delete place.holder[place.key];
    const next = fileFields.safeParse(withoutHoles(rest));
    if (next.success) return { fields: next.data, routeIndexes: indexesLeft(rest) };
    issues = withHoles(next.error.issues, rest);
  }
  return { fields: undefined, routeIndexes: [] };
};

const reportIssue = (issue: Issue, report: Report): void => {
  const path = pathOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(shapeOf(schemaAt(fileFields, path)) ?? {});
    for (const key of issue.keys) report([...path, key], unknownKey(key, known));
  } else if (issue.code === 'invalid_type') {
    report(
      path,
      issue.expected === 'array'
        ? 'is not a list; write one entry a line, each after "- "'
        : `is not a mapping; write key: value lines${path.length === 0 ? ' such as listen: 127.0.0.1:8080' : ''}`,
    );
  } else report(path, issue.message);
};

const unknownKey = (key: string, known: readonly string[]): string => {
  const near = closest(key, known);
  const what = `there is no setting ${JSON.stringify(key.slice(0, 60))} here; `;
  return near === undefined
    ? `${what}the settings here are ${known.join(', ')}`
    : `${what}did you mean ${near}?`;
};

const pathOf = (path: readonly PropertyKey[]): Path =>
  path.map((part) => (typeof part === 'number' ? part : String(part)));

const pathsOf = (issue: Issue): readonly Path[] => {
  const path = pathOf(issue.path);
  return issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
};

const isContainer = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null;

interface Place {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
}

/** Where to take out the value at a path, or what is around it when it is not there. A list then keeps a hole, and so its indexes. */
const placeOf = (tree: unknown, path: Path): Place | undefined => {
  let value = tree;
  let place: Place | undefined;
  for (const key of path) {
    if (!isContainer(value) || !Object.hasOwn(value, key)) break;
    place = { holder: value, key };
    value = value[key];
  }
  return place;
};

/** Lists without the holes of what was taken out. */
const withoutHoles = (value: unknown): unknown => {
  if (Array.isArray(value)) return Object.values(value).map(withoutHoles);
  if (!isContainer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutHoles(inner)]));
};

/** Issues found in lists without holes, at the indexes the lists with holes have. */
const withHoles = (issues: readonly Issue[], tree: unknown): readonly Issue[] =>
  issues.map((issue) => {
    let at = tree;
    const path = issue.path.map((part) => {
      const key = Array.isArray(at) && typeof part === 'number' ? Number(Object.keys(at)[part]) : part;
      at = isContainer(at) ? at[typeof key === 'symbol' ? String(key) : key] : undefined;
      return key;
    });
    return { ...issue, path };
  });

const indexesLeft = (tree: unknown): readonly number[] => {
  const routes = isContainer(tree) ? tree['routes'] : undefined;
  return Array.isArray(routes) ? Object.keys(routes).map(Number) : [];
};
