// Short words about what was just done, or could not be. They go away by themselves and are read out by screen readers;
// nothing that must be read stands in one.

const SHOWN_MS = 6_000;

export interface Toast {
  id: number;
  text: string;
}

class Toasts {
  shown = $state<Toast[]>([]);
  #last = 0;

  say(text: string): void {
    const id = ++this.#last;
    this.shown.push({ id, text });
    setTimeout(() => this.dismiss(id), SHOWN_MS);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
