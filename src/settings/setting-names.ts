// Every setting's name: as a path in the file, as TOLLGATE_* in the environment, as a flag; and what is given by these names
// outside the file. A name that means nothing is a problem, not ignored.

import { partsOf } from './field.ts';
import { type Read, right, wrong } from './reader.ts';
import { fileFields } from './schema.ts';
import { closest, issueOutside, type Path, type SettingsIssue } from './settings-issue.ts';
import { parseInline } from './yaml-file.ts';

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

export interface Override {
  readonly path: Path;
  readonly value: unknown;
  /** `environment variable TOLLGATE_LISTEN`, `option listen`. */
  readonly source: string;
}

export interface Overrides {
  readonly overrides: readonly Override[];
  readonly problems: readonly SettingsIssue[];
}

const otherVariables = ['TOLLGATE_CONFIG'];

/**
 * Kubernetes puts these into every pod for a Service named `tollgate` or `tollgate-...`; they are no settings.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const isServiceLink = (name: string, value: string): boolean =>
  /^TOLLGATE_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/.test(
    name,
  ) ||
  (/^TOLLGATE_(?:\w+_)?PORT$/.test(name) && /^(?:tcp|udp|sctp):\/\//.test(value));

/** Reads every `TOLLGATE_*` variable. An empty one counts as not set. */
export const readEnvironment = (env: NodeJS.ProcessEnv): Overrides => {
  const given = Object.entries(env).filter(
    ([name, value = '']) =>
      name.startsWith('TOLLGATE_') &&
      value !== '' &&
      !otherVariables.includes(name) &&
      (findSetting(variables, name) !== undefined || !isServiceLink(name, value)),
  );
  return readFrom(variables, given);
};

/** Reads flags by their dotted names; an undefined one counts as not given. */
export const readFlags = (flags: Readonly<Record<string, unknown>>): Overrides =>
  readFrom(
    options,
    Object.entries(flags).filter(([, value]) => value !== undefined),
  );

/** The setting that an option names, by its flag or its path. */
export const findOption = (name: string): SettingName | undefined => findSetting(options, name);

interface Source {
  readonly kind: string;
  /** What a setting is called there; the first name is the one to suggest. */
  readonly namesOf: (setting: SettingName) => readonly [string, ...string[]];
  /** What to do about a name that is like none. */
  readonly advice: string;
}

const variables: Source = {
  kind: 'environment variable',
  namesOf: ({ variable }) => [variable],
  advice: '; unset it; the name of e.g. cache.identityTtl is TOLLGATE_CACHE_IDENTITY_TTL',
};

const options: Source = {
  kind: 'option',
  namesOf: ({ flag, path }) => [flag, path.join('.')],
  advice: '',
};

const findSetting = ({ namesOf }: Source, name: string): SettingName | undefined =>
  settingNames.find((setting) => namesOf(setting).includes(name));

const readFrom = (from: Source, given: readonly (readonly [name: string, value: unknown])[]): Overrides => {
  const overrides: Override[] = [];
  const problems: SettingsIssue[] = [];
  for (const [name, value] of given) {
    const setting = findSetting(from, name);
    const source = `${from.kind} ${name}`;
    const read = setting === undefined ? unknownName(from, name) : valueOf(setting, value);
    if (!read.ok) problems.push(issueOutside(source, setting?.path.join('.') ?? '', read.message));
    else if (setting !== undefined) overrides.push({ path: setting.path, value: read.value, source });
  }
  return { overrides, problems };
};

const unknownName = ({ namesOf, advice }: Source, name: string): Read<never> => {
  const near = closest(
    name,
    settingNames.map((setting) => namesOf(setting)[0]),
  );
  return wrong(`names no setting${near === undefined ? advice : `; did you mean ${near}?`}`);
};

const valueOf = ({ form }: SettingName, value: unknown): Read<unknown> => {
  if (typeof value !== 'string') return right(value);
  if (form === 'yaml') return parseInline(value);
  if (form !== 'list' || value.includes('-----BEGIN ')) return right(value);
  if (value.trimStart().startsWith('[')) return parseInline(value);
  return right(
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
};
