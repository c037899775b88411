// Every setting's name: as a path in the file, as TOLLGATE_* in the environment, as a flag. All from one table.

import { factsOf, shapeOf, shorthandOf } from './field.ts';
import { fileFields } from './schema.ts';

export interface SettingName {
  readonly path: readonly string[];
  /** `TOLLGATE_CACHE_IDENTITIES_MAX`. */
  readonly variable: string;
  /** `cache.identitiesMax`, as flags name it; `store` for `store.url`. */
  readonly flag: string;
  readonly secret: boolean;
  /** Written as the path of a PEM file, or as the text of one. */
  readonly pem: boolean;
  /** How a string given from outside becomes a value: as it is, split at commas, or parsed as YAML. */
  readonly form: 'text' | 'list' | 'yaml';
}

const namesUnder = (
  schema: unknown,
  path: readonly string[],
  shortPath: readonly string[],
): SettingName[] => {
  const shape = shapeOf(schema);
  if (shape === undefined) return [nameOf(schema, path, shortPath)];
  const shorthand = shorthandOf(schema);
  return Object.entries(shape).flatMap(([key, inner]) => {
    const isShort = key === shorthand;
    const isShortFile = shorthand !== undefined && key === `${shorthand}File`;
    const short = isShort ? shortPath : isShortFile ? [...shortPath, 'file'] : [...shortPath, key];
    return namesUnder(inner, [...path, key], short);
  });
};

const nameOf = (schema: unknown, path: readonly string[], shortPath: readonly string[]): SettingName => {
  const facts = factsOf(schema);
  return {
    path,
    variable: `TOLLGATE_${shortPath.map(upperSnake).join('_')}`,
    flag: shortPath.join('.'),
    secret: facts?.secret === true,
    pem: facts?.pem === true,
    form: facts === undefined ? 'yaml' : facts.list ? 'list' : 'text',
  };
};

const upperSnake = (key: string): string => key.replaceAll(/(?=[A-Z])/g, '_').toUpperCase();

export const settingNames: readonly SettingName[] = namesUnder(fileFields, [], []);
