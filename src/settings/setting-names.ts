// Every setting's name: as a path in the file, as TOLLGATE_* in the environment, as a flag. All from one table.

import { partsOf } from './field.ts';
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
): readonly SettingName[] => {
  const { shape, shorthand, reader } = partsOf(schema);
  if (shape !== undefined)
    return Object.entries(shape).flatMap(([key, inner]) => {
      const short = key === shorthand ? [] : key === `${shorthand}File` ? ['file'] : [key];
      return namesUnder(inner, [...path, key], [...shortPath, ...short]);
    });
  return [
    {
      path,
      variable: `TOLLGATE_${shortPath.map(upperSnake).join('_')}`,
      flag: shortPath.join('.'),
      secret: reader?.secret === true,
      pem: reader?.pem === true,
      form: reader === undefined ? 'yaml' : reader.list === true ? 'list' : 'text',
    },
  ];
};

const upperSnake = (key: string): string => key.replaceAll(/(?=[A-Z])/g, '_').toUpperCase();

export const settingNames: readonly SettingName[] = namesUnder(fileFields, [], []);
