// Watches that a body keeps coming: a caller that sends next to nothing may not hold a connection to the API, nor its own, for
// as long as it likes. Judged window by window, and only while we read: what the API does not take yet is no fault of the caller.

export class BodyPace {
  readonly #bytesMin: number;
  readonly #timer: NodeJS.Timeout;
  #bytes = 0;
  #wasPaused = false;
  #isPaused = false;

  /**
   * @param windowMs how long each window is.
   * @param bytesPerSecondMin the least rate; 0: any.
   * @param onStalled called once, at the end of the first window that brought too little.
   */
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
