// Watches that a request's body keeps coming, window by window while we read: what the API does not take is no fault of the caller.

export class BodyPace {
  readonly #bytesMin: number;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #wasPaused = false;
  #isPaused = false;

  /** `onStalled`: called once, at the end of the first window that brought too little. */
  constructor(windowMs: number, bytesPerSecondMin: number, onStalled: () => void) {
    this.#bytesMin = (bytesPerSecondMin * windowMs) / 1_000;
    this.#timer = setInterval(() => {
      const isStalled = !this.#wasPaused && this.#bytes < this.#bytesMin;
      this.#bytes = 0;
      this.#wasPaused = this.#isPaused;
      if (!isStalled) return;
      this.stop();
      onStalled();
    }, windowMs);
  }

  count(bytes: number): void {
    this.#bytes += bytes;
  }

  pause(): void {
    this.#isPaused = true;
    this.#wasPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
