// Written values -> typed fields, with every fault at once. What has none is parsed all the same, so that the checks can
// judge it: a person sees all problems in one run, not one a run.

import { z } from 'zod';
import { partsOf, schemaAt } from './field.ts';
import { isTree } from './layers.ts';
import { closest, type Report } from './settings-issue.ts';
import { routeFields } from './route-fields.ts';
import { type FileFields, fileFields } from './schema.ts';

export interface IndexedRoute {
  readonly index: number;
  readonly route: FileFields['routes'][number];
}

type Issue = z.core.$ZodIssue;

/**
 * `fields`: each group that has a fault is as if it were not written. `routes`: those without a fault, each with its index
 * in the file.
 */
export const parseFields = (
  tree: unknown,
  report: Report,
): { readonly fields: FileFields; readonly routes: readonly IndexedRoute[] } => {
  const { data, error } = fileFields.safeParse(tree);
  if (data !== undefined)
    return { fields: data, routes: data.routes.map((route, index) => ({ route, index })) };
  for (const issue of error.issues) reportIssue(issue, report);
  const written = isTree(tree) ? tree : {};
  const known = partsOf(fileFields).shape ?? {};
  const faulty = new Set(error.issues.map(({ path }) => path[0]));
  const sound = Object.entries(written).filter(([name]) => Object.hasOwn(known, name) && !faulty.has(name));
  const routes = z.array(z.unknown()).catch([]).parse(written['routes']);
  return {
    // Every group has a default.
    fields: fileFields.parse(Object.fromEntries(sound)),
    routes: routes.flatMap((route, index) => {
      const read = routeFields.safeParse(route);
      return read.success ? [{ index, route: read.data }] : [];
    }),
  };
};

const reportIssue = (issue: Issue, report: Report): void => {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(partsOf(schemaAt(fileFields, path)).shape ?? {});
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
