// Lets the decode loop sleep while there is nothing to compute, and wakes it.

export class Alarm {
  #ring: (() => void) | undefined;
  #hasRung = false;

  /** {@link ring} was called since {@link reset}: the loop must not sleep at the end of its turn. */
  get hasRung(): boolean {
    return this.#hasRung;
  }

  reset(): void {
    this.#hasRung = false;
  }

  ring(): void {
    this.#hasRung = true;
    const ring = this.#ring;
    this.#ring = undefined;
    ring?.();
  }

  /** Sleeps until {@link ring}, or for `limitMs` where it is given. True where the time was up. */
  async sleep(limitMs: number | undefined): Promise<boolean> {
    let isTimeUp = false;
    const onTimeUp = (): void => {
      isTimeUp = true;
      this.ring();
    };
    const timer = limitMs === undefined ? undefined : setTimeout(onTimeUp, limitMs);
    await new Promise<void>((resolve) => {
      this.#ring = resolve;
    });
    clearTimeout(timer);
    return isTimeUp;
  }
}
