// Arguments and options of commands, and how the text of a value is read. A wrong value ends the command with usage,
// exit code 2.

import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../settings/quantity.ts';

export interface Parameter<T> {
  readonly addTo: (command: Command) => void;
  readonly valueOf: (command: Command) => T;
}

/** `before`: what the same option gave so far. Throws InvalidArgumentError. */
type Read<T> = (value: string, before: T | undefined) => T;

export const readText = (value: string): string => value;

const argumentOf = <T>(argument: Argument): Parameter<T> => ({
  addTo: (command) => void command.addArgument(argument),
  valueOf: (command) => command.processedArgs[command.registeredArguments.indexOf(argument)],
});

const optionOf = <T>(option: Option): Parameter<T> => ({
  addTo: (command) => void command.addOption(option),
  valueOf: (command) => command.getOptionValue(option.attributeName()),
});

/** `<ID>` */
export const argument = (name: string, description?: string): Parameter<string> =>
  argumentOf(new Argument(name, description));

export const argumentRead = <T>(name: string, description: string, read: Read<T>): Parameter<T> =>
  argumentOf(new Argument(name, description).argParser(read));

/** `[FILE]` */
export const optionalArgument = (name: string, description: string): Parameter<string | undefined> =>
  argumentOf(new Argument(name, description));

/** `[ROLE...]` */
export const argumentList = (name: string, description: string): Parameter<readonly string[]> =>
  argumentOf(new Argument(name, description));

export const option = (flags: string, description: string): Parameter<string | undefined> =>
  optionOf(new Option(flags, description));

export const optionRead = <T>(flags: string, description: string, read: Read<T>): Parameter<T | undefined> =>
  optionOf(new Option(flags, description).argParser(read));

export const requiredOption = <T>(flags: string, description: string, read: Read<T>): Parameter<T> =>
  optionOf(new Option(flags, description).argParser(read).makeOptionMandatory());

/** `otherwise`: its value where it is not given. */
export const optionOr = <T>(flags: string, description: string, otherwise: T, read: Read<T>): Parameter<T> =>
  optionOf(new Option(flags, description).argParser(read).default(otherwise));

/** One of these; undefined, or `otherwise`, where it is not given. */
export const choice = <const T extends string, const Otherwise extends T | undefined = undefined>(
  flags: string,
  description: string,
  values: readonly T[],
  otherwise?: Otherwise,
): Parameter<T | Otherwise> => optionOf(new Option(flags, description).choices(values).default(otherwise));

export const flag = (flags: string, description: string): Parameter<boolean> => {
  const { addTo, valueOf } = optionOf<true | undefined>(new Option(flags, description));
  return { addTo, valueOf: (command) => valueOf(command) === true };
};

/** Collects `--scope a --scope "b c"` into [a, b, c]: no scope holds a blank. */
export const collectWords = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...value.split(/\s+/).filter((word) => word !== ''),
];

export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
];

export const collectSettings = (
  value: string,
  before: readonly (readonly [string, string])[] | undefined,
): readonly (readonly [string, string])[] => {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Write a setting and its value, e.g. log.level=debug.');
  return [...(before ?? []), [value.slice(0, at), value.slice(at + 1)]];
};

const durationOf = (value: string, examples: string): number => {
  const ms = /^\d+$/.test(value) ? undefined : parseDuration(value);
  if (ms === undefined)
    throw new InvalidArgumentError(`Write a duration with its unit, such as ${examples}.`);
  return ms;
};

/** `90d` in ms, or `never`. Not null: commander takes that for an option without a value. */
export const readLifetime = (value: string): number | 'never' =>
  value === 'never' ? value : durationOf(value, '30m, 12h or 90d, or never');

/** `14d,3d,1d` in ms, `none` as no reminders, or `default`. */
export const readReminders = (value: string): readonly number[] | 'default' => {
  if (value === 'default') return value;
  return value === 'none'
    ? []
    : value.split(',').map((each) => durationOf(each, '14d,3d,1d, none or default'));
};

export const readDuration = (value: string): number => durationOf(value, '30m, 12h or 7d');

export const readCount = (value: string): number => {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('Write a whole number above 0.');
  return Number(value);
};

export interface Account {
  readonly orgId: string;
  readonly userId: string;
}

export const readAccount = (value: string): Account => {
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

export const accountArgument = argumentRead('<ORG/USER>', 'org id and user id', readAccount);
