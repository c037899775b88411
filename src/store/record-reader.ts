// What shapes of records are made of: readers that check a value and never cast it. A record that does not fit is refused by
// name, so that a damaged store refuses instead of permitting.

import { isJsonObject } from '../decision/strict-json.ts';

/** What the store holds is not what this program writes. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';
  constructor(what: string, field?: string) {
    const where = field === undefined ? '' : `: ${field} holds a value that Tollgate never writes`;
    super(`${what} is not a record this version of Tollgate can read${where}`);
  }
}

/** Returns a value of this type or throws `DamagedRecord`. `what` names the record, `field` where the value is in it. */
export type Reader<T> = (value: unknown, what: string, field?: string) => T;

export const text: Reader<string> = (value, what, field) =>
  typeof value === 'string' ? value : refuse(what, field);

export const integer: Reader<number> = (value, what, field) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : refuse(what, field);

export const oneOf =
  <const T extends string>(allowed: readonly T[]): Reader<T> =>
  (value, what, field) =>
    allowed.find((each) => each === value) ?? refuse(what, field);

/** Undefined where the value is absent. */
export const optional =
  <T>(read: Reader<T>): Reader<T | undefined> =>
  (value, what, field) =>
    value === undefined || value === null ? undefined : read(value, what, field);

export const listOf =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (value, what, field) =>
    Array.isArray(value) ? value.map((item) => read(item, what, field)) : refuse(what, field);

/** Own properties only, whatever their names: none can become the prototype. */
export const byName =
  <T>(read: Reader<T>): Reader<Readonly<Record<string, T>>> =>
  (value, what, field) =>
    isJsonObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, read(item, what, field)]))
      : refuse(what, field);

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Required<S> = { readonly [Name in keyof S]: S[Name] extends Reader<infer T> ? T : never };
type Absent<S> = { readonly [Name in keyof S]?: (S[Name] extends Reader<infer T> ? T : never) | undefined };

interface RecordReader<S, T> extends Reader<T> {
  /** Of the properties that every record has. */
  readonly names: readonly (keyof S & string)[];
}

/** A reader of records. `absent`: properties that a record does not have where their value is absent. */
export function record<S extends Shape>(shape: S): RecordReader<S, Required<S>>;
export function record<S extends Shape, A extends Shape>(
  shape: S,
  absent: A,
): RecordReader<S, Required<S> & Absent<A>>;
export function record(shape: Shape, absent: Shape = {}): RecordReader<Shape, object> {
  const fields = Object.entries(shape);
  const others = Object.entries(absent).map(([name, read]) => [name, optional(read)] as const);
  const read: Reader<object> = (values, what, field) => {
    if (!isJsonObject(values)) return refuse(what, field);
    const found: Record<string, unknown> = {};
    for (const [name, each] of fields) found[name] = each(values[name], what, name);
    for (const [name, each] of others) {
      const value = each(values[name], what, name);
      if (value !== undefined) found[name] = value;
    }
    return found;
  };
  return Object.assign(read, { names: Object.keys(shape) });
}

/** Throws, naming the record `what`. */
export const refuse = (what: string, field?: string): never => {
  throw new DamagedRecord(what, field);
};

/** `field`: of the record `what`, that holds the text. */
export const parseJson = (what: string, json: string, field?: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return refuse(what, field);
  }
};
