// Reads the values of options: what commander hands over as text. A wrong one ends the command with usage, exit code 2.

import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../settings/quantity.ts';

/** Collects `--scope a --scope "b c"` into [a, b, c]: no scope holds a blank. */
export const collectWords = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value.split(/\s+/).filter((word) => word !== ''),
];

/** Collects `--role a --role "b c"` as they are. */
export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

/** Collects `--set log.level=debug`. */
export const collectSettings = (
  value: string,
  before: readonly (readonly [string, string])[] | undefined,
): readonly (readonly [string, string])[] => {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write a setting and its value, e.g. log.level=debug.');
  return [...(before ?? []), [value.slice(0, at), value.slice(at + 1)]];
};

/** `90d` in ms, or `never`. Not null: commander takes that for an option without a value. */
export const readLifetime = (value: string): number | 'never' => {
  if (value === 'never') return value;
  const ms = /^\d+$/.test(value) ? undefined : parseDuration(value);
  if (ms === undefined)
    throw new InvalidArgumentError('Write a duration with its unit, such as 30m, 12h or 90d, or never.');
  return ms;
};

/** `1h` in ms. */
export const readDuration = (value: string): number => {
  const ms = /^\d+$/.test(value) ? undefined : parseDuration(value);
  if (ms === undefined)
    throw new InvalidArgumentError('Write a duration with its unit, such as 30m, 12h or 7d.');
  return ms;
};

/** A whole number above 0. */
export const readCount = (value: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Write a whole number above 0.');
  return Number(value);
};

/** `acme/ann` -> the org's and the user's id. */
export const readAccount = (value: string): { readonly orgId: string; readonly userId: string } => {
  const [orgId = '', userId = '', ...rest] = value.split('/');
  if (orgId === '' || userId === '' || rest.length > 0)
    throw new InvalidArgumentError('Write ORG/USER, e.g. acme/ann.');
  return { orgId, userId };
};

/** `reader=things:read things:list` -> a role and its scopes. */
export const collectRoles = (
  value: string,
  before: Readonly<Record<string, readonly string[]>> | undefined,
): Readonly<Record<string, readonly string[]>> => {
  const at = value.indexOf('=');
  if (at < 1)
    throw new InvalidArgumentError('Write a role and its scopes, e.g. "reader=things:read things:list".');
  const role = value.slice(0, at);
  if (before !== undefined && Object.hasOwn(before, role))
    throw new InvalidArgumentError(
      `Write all scopes of the role ${role} in one --role, with blanks between.`,
    );
  return { ...before, [role]: collectWords(value.slice(at + 1), undefined) };
};
