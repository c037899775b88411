// Settings from outside the file: TOLLGATE_* variables and flags. A name that means nothing is a problem, not ignored.

import { closest, type Path, type SettingsIssue } from './settings-issue.ts';
import { type Read, right } from './reader.ts';
import { type SettingName, settingNames } from './setting-names.ts';
import { parseInline } from './yaml-file.ts';

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

/** Variables that are ours but no settings. */
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
  const overrides: Override[] = [];
  const problems: SettingsIssue[] = [];
  const known = settingNames.map(({ variable }) => variable);
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('TOLLGATE_') || value === undefined || value === '') continue;
    if (otherVariables.includes(variable)) continue;
    const name = settingNames.find((name) => name.variable === variable);
    const source = `environment variable ${variable}`;
    if (name !== undefined) take(name, value, source, overrides, problems);
    else if (!isServiceLink(variable, value)) {
      const near = closest(variable, known);
      problems.push(
        outside(
          '',
          source,
          `names no setting; ${near === undefined ? 'unset it; the name of e.g. cache.identityTtl is TOLLGATE_CACHE_IDENTITY_TTL' : `did you mean ${near}?`}`,
        ),
      );
    }
  }
  return { overrides, problems };
};

/** Reads flags by their dotted names; an undefined one counts as not given. */
export const readFlags = (flags: Readonly<Record<string, unknown>>): Overrides => {
  const overrides: Override[] = [];
  const problems: SettingsIssue[] = [];
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const name = settingNames.find((name) => name.flag === flag || name.path.join('.') === flag);
    const source = `option ${flag}`;
    if (name !== undefined) take(name, value, source, overrides, problems);
    else {
      const near = closest(
        flag,
        settingNames.map(({ flag }) => flag),
      );
      problems.push(
        outside('', source, `names no setting${near === undefined ? '' : `; did you mean ${near}?`}`),
      );
    }
  }
  return { overrides, problems };
};

const take = (
  name: SettingName,
  value: unknown,
  source: string,
  overrides: Override[],
  problems: SettingsIssue[],
): void => {
  const read = typeof value === 'string' ? fromString(name, value) : right(value);
  if (read.ok) overrides.push({ path: name.path, value: read.value, source });
  else problems.push(outside(name.path.join('.'), source, read.message));
};

const fromString = (name: SettingName, value: string): Read<unknown> => {
  if (name.form === 'yaml') return parseInline(value);
  if (name.form !== 'list' || value.includes('-----BEGIN ')) return right(value);
  if (value.trimStart().startsWith('[')) return parseInline(value);
  return right(
    value
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  );
};

const outside = (path: string, source: string, message: string): SettingsIssue => ({
  path,
  file: undefined,
  line: undefined,
  column: undefined,
  source,
  message,
});
