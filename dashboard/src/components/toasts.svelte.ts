// Short words about what was just done, which go away by themselves, or about what could not be done,
// which stay until they are dismissed. Screen readers read them out.

const SHOWN_MS = 6_000;

export interface Toast {
  id: number;
  text: string;
  failed: boolean;
}

class Toasts {
  shown = $state.raw<Toast[]>([]);
  #last = 0;

  say(text: string): void {
    this.#show(text, false);
  }

  complain(text: string): void {
    this.#show(text, true);
  }

  dismiss(id: number): void {
    this.shown = this.shown.filter((toast) => toast.id !== id);
  }

  #show(text: string, failed: boolean): void {
    const id = ++this.#last;
    this.shown = [...this.shown, { id, text, failed }];
    if (!failed) setTimeout(() => this.dismiss(id), SHOWN_MS);
  }
}

export const toasts = new Toasts();
