// Readers turn one written value into a typed one, or say what is wrong with it and what to write instead.
// They accept what YAML gives (typed scalars) and what the environment gives (strings). No secret gets into a message.

import { shown } from './settings-issue.ts';

export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string };

export interface Reader<T> {
  read(value: unknown): Read<T>;
  /** What to write, with an example; ends the sentence "is missing; write ...". */
  readonly expects: string;
  /** JSON Schema of the written form, for editors. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Never shown. */
  readonly secret?: true;
  /** May be read from a file that is named in `...File`. */
  readonly twin?: true;
  /** Written as the path of a PEM file, or as the text of one. */
  readonly pem?: true;
  /** A list of strings: separated by commas in the environment. */
  readonly list?: true;
}

export const right = <T>(value: T): Read<T> => ({ ok: true, value });
export const wrong = (message: string): Read<never> => ({ ok: false, message });

export const andThen = <A, B>(read: Read<A>, next: (value: A) => Read<B>): Read<B> =>
  read.ok ? next(read.value) : read;

/** A reader of what `next` accepts of what another reader has read. */
export const refined = <A, B>(reader: Reader<A>, next: (value: A) => Read<B>): Reader<B> => ({
  ...reader,
  read: (value) => andThen(reader.read(value), next),
});

/** `"x" is not ...; write ...`. */
export const not = (value: unknown, what: string, expects: string): Read<never> =>
  wrong(`${shown(value)} is not ${what}; write ${expects}`);

/** A string of one line that matches `pattern`. `what` finishes "is not". */
export const text = (
  what: string,
  expects: string,
  pattern: RegExp = /^[^\0-\x1f\x7f]+$/,
): Reader<string> => ({
  read: (value) =>
    typeof value === 'string' && pattern.test(value) ? right(value) : not(value, what, expects),
  expects,
  json: { type: 'string', minLength: 1 },
});

/** A string that is never shown, of at least so many characters. */
export const secretText = (expects: string, lengthMin = 1): Reader<string> => ({
  read: (value) => {
    if (typeof value !== 'string' || value === '')
      return wrong(`is not a string (its value is not shown); write ${expects}, in quotes`);
    return value.length < lengthMin
      ? wrong(`has fewer than ${lengthMin} characters and could be guessed; write ${expects}`)
      : right(value);
  },
  expects,
  json: { type: 'string', minLength: lengthMin },
  secret: true,
  twin: true,
});

export const flag: Reader<boolean> = {
  read: (value) =>
    value === true || value === 'true'
      ? right(true)
      : value === false || value === 'false'
        ? right(false)
        : not(value, 'true or false', 'true or false'),
  expects: 'true or false',
  json: { type: 'boolean' },
};

export const oneOf = <const T extends string>(...choices: readonly T[]): Reader<T> => {
  const expects = choices.length === 1 ? String(choices[0]) : `one of ${choices.join(', ')}`;
  return {
    read: (value) => {
      const choice = choices.find((choice) => choice === value);
      return choice === undefined ? not(value, 'known here', expects) : right(choice);
    },
    expects,
    json: { enum: choices },
  };
};

/** A whole number between `min` and `max`, both included. */
export const count = (min: number, max: number): Reader<number> => {
  const expects = `a whole number from ${min} to ${max}`;
  return {
    read: (value) => {
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
      return typeof number === 'number' && Number.isInteger(number) && number >= min && number <= max
        ? right(number)
        : not(value, expects, `digits, without a unit, e.g. ${min}`);
    },
    expects,
    json: { type: 'integer', minimum: min, maximum: max },
  };
};

/** A number between 0 and 1, both included. */
export const share: Reader<number> = {
  read: (value) => {
    const number = typeof value === 'string' && /^[01](?:\.\d{1,12})?$/.test(value) ? Number(value) : value;
    return typeof number === 'number' && number >= 0 && number <= 1
      ? right(number)
      : not(value, 'a share from 0 to 1', 'a number such as 0, 0.01 or 1');
  },
  expects: 'a number from 0 to 1, such as 0.01',
  json: { type: 'number', minimum: 0, maximum: 1 },
};

/** A list; one value alone stands for a list of one. Every wrong item is named by its position. */
export const listOf = <T>(item: Reader<T>, itemsMin = 0): Reader<readonly T[]> => {
  const expects = `a list, e.g. [${item.expects}]`;
  return {
    read: (value) => {
      const written: readonly unknown[] | undefined = Array.isArray(value)
        ? value
        : typeof value === 'string'
          ? [value]
          : undefined;
      if (written === undefined) return not(value, 'a list', expects);
      if (written.length < itemsMin) return wrong(`is an empty list; write ${expects}`);
      const items = written.map((part) => item.read(part));
      const faults = items.flatMap((read, index) => (read.ok ? [] : [`item ${index + 1}: ${read.message}`]));
      return faults.length > 0
        ? wrong(faults.join('; '))
        : right(items.flatMap((read) => (read.ok ? [read.value] : [])));
    },
    expects,
    json: { anyOf: [{ type: 'array', items: item.json, minItems: itemsMin }, item.json] },
    list: true,
    ...(item.secret && { secret: true as const }),
  };
};
