// The words of the settings table: a `field` is one value, a `group` a mapping of them. One table gives the parser, the
// type `Settings`, the editor's schema and the environment's names. Every message comes from a reader; zod gives the
// shape, the defaults and the JSON Schema.

import { z } from 'zod';
import { type Reader, text, wrong } from './reader.ts';
import type { Path } from './settings-issue.ts';

/** What is known of a schema beside its shape: the reader of a field, and the key that a mapping may be written as alone. */
const facts = z.registry<{ readonly reader?: Reader<unknown>; readonly shorthand?: string }>();

/** A field that must be written. */
export const field = <T>(reader: Reader<T>, description: string) => {
  const schema = z
    .unknown()
    .transform((value, context): T => {
      const read =
        value === undefined
          ? wrong(`is missing; write ${reader.expects}`)
          : value === null
            ? wrong(`is empty; write ${reader.expects}, or remove the line`)
            : reader.read(value);
      if (read.ok) return read.value;
      context.addIssue(read.message);
      return z.NEVER;
    })
    .meta({ description, ...reader.json });
  return schema.register(facts, { reader });
};

/** A path of a file that holds the value of `name`. */
export const fileOf = (name: string) =>
  field(
    text('a path', `the path of a file that holds ${name}`),
    `File to read \`${name}\` from, instead of writing it here.`,
  ).optional();

export type Fields = Readonly<Record<string, z.ZodType>>;

/** How a person writes a name. A duration has its unit in its value: `identityTtlMs` is `identityTtl`, `tokenAgeMsMax` `tokenAgeMax`. */
const writtenName = (name: string): string => name.replace(/Ms(?=Max$|$)/, '');

/**
 * A mapping. Its names are those in `Settings`; the file's are `writtenName` of them. A field that may be read from a file
 * gets its `...File` twin here.
 */
export const group = <const Of extends Fields>(fields: Of) => {
  const written = Object.entries(fields).flatMap(([name, schema]): [string, z.ZodType][] => {
    const key = writtenName(name);
    const twins: [string, z.ZodType][] =
      partsOf(schema).reader?.twin === true ? [[`${key}File`, fileOf(key)]] : [];
    return [[key, schema], ...twins];
  });
  return z.strictObject(Object.fromEntries(written)).transform((values) => {
    const named = Object.keys(fields).map((name) => [name, values[writtenName(name)]]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each value is what the schema of its name gave
    return Object.fromEntries(named) as { readonly [Name in keyof Of]: z.output<Of[Name]> };
  });
};

/** Makes `key` writable alone: `store: redis://...` for `store: { url: redis://... }`. */
export const alone = <Schema extends z.ZodType>(schema: Schema, key: string): Schema => {
  facts.add(schema, { shorthand: key });
  return schema;
};

export interface SchemaParts {
  /** The fields of a mapping, as they are written. */
  readonly shape?: Readonly<Record<string, unknown>>;
  /** The schema of a list's items, or of a free mapping's values. */
  readonly inner?: unknown;
  readonly reader?: Reader<unknown>;
  readonly shorthand?: string;
}

/** Looks under `optional()` and defaults. */
export const partsOf = (schema: unknown): SchemaParts => {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault)
    return partsOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return { ...facts.get(schema), ...partsOf(schema.in) };
  if (schema instanceof z.ZodArray) return { inner: schema.element };
  if (schema instanceof z.ZodRecord) return { inner: schema.valueType };
  return schema instanceof z.ZodObject ? { shape: schema.shape } : {};
};

/** The schema of what stands under a key of a mapping or at an index of a list; undefined where there is none. */
export const childOf = (schema: unknown, key: string | number): unknown => {
  const { shape, inner } = partsOf(schema);
  return shape !== undefined && Object.hasOwn(shape, key) ? shape[key] : inner;
};

/** The schema of the setting at a path; undefined where there is none. */
export const schemaAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((schema, key) => childOf(schema, key), root);
