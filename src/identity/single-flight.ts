// Concurrent askers of one key share one answer. Keeps nothing once the answer is there. (lru-cache's own `fetch` would
// give every look-up in flight, and so every random token of a flood, a slot among the good identities.)

export class SingleFlight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  /** Joins the flight of `key`, or starts one. */
  join(key: string, start: () => Promise<T>): Promise<T> {
    const known = this.#flights.get(key);
    if (known !== undefined) return known;
    const flight = start().finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }

  has(key: string): boolean {
    return this.#flights.has(key);
  }

  get size(): number {
    return this.#flights.size;
  }
}
