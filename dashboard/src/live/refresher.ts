// Runs something again whenever it is asked to, but at most twice per second and never twice at once.
// Requests that come too early are not lost: one run follows them.

const INTERVAL_MS = 500;

export class Refresher {
  readonly #run: () => Promise<void>;
  #busy = false;
  #wanted = false;
  #stopped = false;
  #pause: ReturnType<typeof setTimeout> | undefined;

  constructor(run: () => Promise<void>) {
    this.#run = run;
  }

  request(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    if (!this.#busy && this.#pause === undefined) void this.#start();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#pause);
  }

  async #start(): Promise<void> {
    this.#wanted = false;
    this.#busy = true;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#again();
    }, INTERVAL_MS);
    await this.#run();
    this.#busy = false;
    this.#again();
  }

  #again(): void {
    if (this.#wanted && !this.#stopped && !this.#busy && this.#pause === undefined) void this.#start();
  }
}
