// Reads members of untrusted JSON one by one: own members only, of the one type asked for, of bounded size. The first
// that does not hold is remembered by name, so that the reader reads on and the caller asks once. Never casts.
//
// A name may be a path: `realm_access.roles`. A member of exactly that name counts first, so a URL is a name without further
// ado; otherwise dots lead into objects, and `\.` is a dot within a name.

/** Longest text of one claim, in characters. */
const textLengthMax = 1_024;
const textsMax = 1_024;
/** The last second of the year 9999. */
const numericDateMax = 253_402_300_799;

export class ClaimReader {
  readonly #members: object;
  #failed: string | undefined;

  constructor(value: object) {
    this.#members = value;
  }

  /** The first claim that was missing, of another type, or out of bounds; undefined while all is well. */
  get failed(): string | undefined {
    return this.#failed;
  }

  fail(name: string): void {
    this.#failed ??= name;
  }

  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** Untyped, for a claim with more than one lawful type. */
  raw(name: string): unknown {
    return Object.hasOwn(this.#members, name)
      ? memberOf(this.#members, name)
      : followPath(this.#members, name);
  }

  /** The same; undefined for what issuers write instead of leaving an optional claim out: null, nothing, blanks. */
  given(name: string): unknown {
    const value = this.raw(name);
    return isNothing(value) ? undefined : value;
  }

  /** Text that can name something: not empty or blank, no control characters, whole characters only. */
  text(name: string): string {
    const value = this.raw(name);
    if (isText(value)) return value;
    this.fail(name);
    return '';
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  /** Text; undefined also for null, and for a string that cannot name anything. */
  textIfAny(name: string): string | undefined {
    const value = this.given(name);
    if (value !== undefined && typeof value !== 'string') this.fail(name);
    return isText(value) ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.raw(name);
    if (Array.isArray(value) && value.length <= textsMax && value.every(isText)) return value;
    this.fail(name);
    return [];
  }

  /** One text or a list of them; null, and nulls and blanks in the list, are none. */
  textsIfAny(name: string): readonly string[] {
    const value = this.given(name) ?? [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const given = list.slice(0, textsMax + 1).filter((item) => !isNothing(item));
    if (list.length <= textsMax && given.every(isText)) return given;
    this.fail(name);
    return [];
  }

  /** NumericDate (RFC 7519 section 2): seconds since the epoch, maybe with a fraction; here in milliseconds. */
  timeMs(name: string): number {
    const value = this.raw(name);
    // `1e400` is Infinity to JSON.parse.
    if (typeof value === 'number' && value >= 0 && value <= numericDateMax) return value * 1000;
    this.fail(name);
    return Number.NaN;
  }

  optionalTimeMs(name: string): number | undefined {
    return this.has(name) ? this.timeMs(name) : undefined;
  }
}

/** The parts of a path of claims. */
export const claimPath = (name: string): readonly string[] =>
  name.split(/(?<!\\)\./).map((part) => part.replaceAll('\\.', '.'));

const followPath = (members: object, name: string): unknown => {
  if (!/[.\\]/.test(name)) return undefined;
  let value: unknown = members;
  for (const part of claimPath(name)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = memberOf(value, part);
  }
  return value;
};

/** An own member, of whatever name. */
const memberOf = (members: object, name: string): unknown =>
  Object.getOwnPropertyDescriptor(members, name)?.value;

const isNothing = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

const isText = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.trim() !== '' &&
  value.length <= textLengthMax &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value);
