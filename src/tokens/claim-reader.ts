// Reads members of untrusted JSON one by one: own members only, of the one type asked for, of bounded size. The first
// that does not hold is remembered by name, so that the reader reads on and the caller asks once. Never casts.

/** Longest text of one claim, in characters. */
const textLengthMax = 1_024;
const textsMax = 1_024;
/** The last second of the year 9999. */
const numericDateMax = 253_402_300_799;

export class ClaimReader {
  readonly #members: ReadonlyMap<string, unknown>;
  #failed: string | undefined;

  constructor(value: object) {
    this.#members = new Map(Object.entries(value));
  }

  /** The first claim that was missing, of another type, or out of bounds; undefined while all is well. */
  get failed(): string | undefined {
    return this.#failed;
  }

  fail(name: string): void {
    this.#failed ??= name;
  }

  has(name: string): boolean {
    return this.#members.has(name);
  }

  /** Untyped, for a claim with more than one lawful type. */
  raw(name: string): unknown {
    return this.#members.get(name);
  }

  /** Text that can name something: not empty, no control characters, whole characters only. */
  text(name: string): string {
    const value = this.#members.get(name);
    if (isText(value)) return value;
    this.fail(name);
    return '';
  }

  optionalText(name: string): string | undefined {
    return this.has(name) ? this.text(name) : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#members.get(name);
    if (Array.isArray(value) && value.length <= textsMax && value.every(isText)) return value;
    this.fail(name);
    return [];
  }

  /** NumericDate (RFC 7519 section 2): seconds since the epoch, maybe with a fraction; here in milliseconds. */
  timeMs(name: string): number {
    const value = this.#members.get(name);
    // `1e400` is Infinity to JSON.parse.
    if (typeof value === 'number' && value >= 0 && value <= numericDateMax) return value * 1000;
    this.fail(name);
    return Number.NaN;
  }

  optionalTimeMs(name: string): number | undefined {
    return this.has(name) ? this.timeMs(name) : undefined;
  }
}

const isText = (value: unknown): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= textLengthMax &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value);
