// Reads what the server answered, so that no page trusts a shape it has not seen. A reader takes unknown and gives the
// value, or throws `UnexpectedAnswer`, which the caller in request.ts turns into a problem.

export type Reader<T> = (value: unknown) => T;

/** The answer is none that these pages know: another version of the server, or something between. */
export class UnexpectedAnswer extends Error {}

const expected = (what: string): never => {
  throw new UnexpectedAnswer(`The answer has no ${what} where one was expected`);
};

export const text: Reader<string> = (value) => (typeof value === 'string' ? value : expected('text'));
export const count: Reader<number> = (value) => (typeof value === 'number' ? value : expected('number'));
export const flag: Reader<boolean> = (value) =>
  typeof value === 'boolean' ? value : expected('true or false');
export const nothing: Reader<undefined> = () => undefined;

export const nullable =
  <T>(read: Reader<T>): Reader<T | null> =>
  (value) =>
    value === null || value === undefined ? null : read(value);

export const list =
  <T>(read: Reader<T>): Reader<readonly T[]> =>
  (value) =>
    Array.isArray(value) ? value.map((item: unknown) => read(item)) : expected('list');

export const oneOf =
  <const T extends string>(...known: readonly T[]): Reader<T> =>
  (value) =>
    known.find((each) => each === value) ?? expected(known.join(' or '));

export const either =
  <A, B>(first: Reader<A>, second: Reader<B>): Reader<A | B> =>
  (value) => {
    try {
      return first(value);
    } catch {
      return second(value);
    }
  };

type Shape = Readonly<Record<string, Reader<unknown>>>;
type Read<S extends Shape> = { readonly [Key in keyof S]: ReturnType<S[Key]> };

/** The members that the shape names; others are left out. */
export function object<S extends Shape>(shape: S): Reader<Read<S>>;
export function object(shape: Shape): Reader<Readonly<Record<string, unknown>>> {
  return (value) => {
    if (!isObject(value)) return expected('object');
    const found: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(shape)) found[name] = read(value[name]);
    return found;
  };
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
