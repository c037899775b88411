// The words of the settings table: a `field` is one value, a `group` a mapping of them. One table gives the parser, the
// type `Settings`, the editor's schema and the environment's names. Every message comes from a reader; zod gives the
// shape, the defaults and the JSON Schema.

import { z } from 'zod';
import type { Path } from './settings-issue.ts';
import { type Reader, text } from './reader.ts';

export interface FieldFacts {
  readonly secret: boolean;
  /** Written as the path of a PEM file, or as the text of one. */
  readonly pem: boolean;
  /** Strings separated by commas in the environment. */
  readonly list: boolean;
  /** Beside it stands `...File`: a file whose content takes the field's place before validation. */
  readonly twin: boolean;
}

/** What the environment and the file twins must know of a field. */
const fieldFacts = z.registry<FieldFacts>();

/** A mapping that may be written as one string: the value of `key`. */
const shorthands = z.registry<{ readonly key: string }>();

/** A field that must be written. */
export const field = <T>(reader: Reader<T>, description: string) => {
  const schema = z
    .unknown()
    .transform((value, context): T => {
      const read =
        value === undefined
          ? { ok: false as const, message: `is missing; write ${reader.expects}` }
          : value === null
            ? { ok: false as const, message: `is empty; write ${reader.expects}, or remove the line` }
            : reader.read(value);
      if (read.ok) return read.value;
      context.addIssue({ code: 'custom', message: read.message });
      return z.NEVER;
    })
    .meta({ description, ...reader.json });
  schema.register(fieldFacts, {
    secret: reader.secret === true,
    pem: reader.pem === true,
    list: reader.list === true,
    twin: reader.twin === true,
  });
  return schema;
};

/** A path of a file that holds the value of `name`. */
export const fileOf = (name: string) =>
  field(
    text('a path', `the path of a file that holds ${name}`),
    `File to read \`${name}\` from, instead of writing it here.`,
  ).optional();

type Fields = Readonly<Record<string, z.ZodType>>;

/** How a person writes a name. A duration has its unit in its value: `identityTtlMs` is `identityTtl`, `tokenAgeMsMax` `tokenAgeMax`. */
const writtenName = (name: string): string => name.replace(/Ms(?=Max$|$)/, '');

/**
 * A mapping. Its names are those in `Settings`; the file's are `writtenName` of them. A field that may be read from a file
 * gets its `...File` twin here.
 */
export const group = <const Of extends Fields>(fields: Of) => {
  const written = Object.entries(fields).flatMap(([name, schema]): [string, z.ZodType][] => {
    const key = writtenName(name);
    const twins: [string, z.ZodType][] = factsOf(schema)?.twin === true ? [[`${key}File`, fileOf(key)]] : [];
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
  shorthands.add(schema, { key });
  return schema;
};

/** The schema under `optional()` and defaults. */
const bare = (schema: unknown): unknown =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
    ? bare(schema.unwrap())
    : schema;

/** The fields of a mapping, as they are written; undefined for everything else. */
export const shapeOf = (schema: unknown): Readonly<Record<string, unknown>> | undefined => {
  const inner = bare(schema);
  const mapping = inner instanceof z.ZodPipe ? inner.in : inner;
  return mapping instanceof z.ZodObject ? mapping.shape : undefined;
};

/** The schema of a list's items, or of a free mapping's values; undefined for everything else. */
export const innerOf = (schema: unknown): unknown => {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return inner.element;
  return inner instanceof z.ZodRecord ? inner.valueType : undefined;
};

export const shorthandOf = (schema: unknown): string | undefined => {
  const inner = bare(schema);
  return inner instanceof z.ZodType ? shorthands.get(inner)?.key : undefined;
};

export const factsOf = (schema: unknown): FieldFacts | undefined => {
  const inner = bare(schema);
  return inner instanceof z.ZodType ? fieldFacts.get(inner) : undefined;
};

/** The schema of the setting at a path; undefined where there is none. */
export const schemaAt = (root: unknown, path: Path): unknown =>
  path.reduce<unknown>((schema, part) => {
    const shape = shapeOf(schema);
    if (shape === undefined) return innerOf(schema);
    return Object.hasOwn(shape, part) ? shape[part] : undefined;
  }, root);
