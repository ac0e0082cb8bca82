// The hub: one event stream for however many pages. It connects when the first page joins, closes when
// the last one leaves, and reconnects for as long as there is a session. It never fetches data.
import type { StreamState, ToHub, ToPage } from './messages';

export type Page = (message: ToPage) => void;

/** The part of EventSource that the hub uses. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

export interface Outside {
  open(): Source;
  /** False: there is no session. Rejects when nobody answers. */
  hasSession(): Promise<boolean>;
}

const CLOSED = 2;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;

function topicOf(data: unknown): string | undefined {
  try {
    const change: unknown = JSON.parse(String(data));
    const topic = (change as { topic?: unknown } | null)?.topic;
    return typeof topic === 'string' ? topic : undefined;
  } catch {
    return undefined;
  }
}

export class Hub {
  readonly #outside: Outside;
  readonly #pages = new Set<Page>();
  #source: Source | undefined;
  #state: StreamState = 'connecting';
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(outside: Outside) {
    this.#outside = outside;
  }

  hear(page: Page, message: ToHub): void {
    if (message === 'join') this.#join(page);
    else if (message === 'leave') this.#leave(page);
    else if (this.#state === 'lost') this.#connect();
  }

  #join(page: Page): void {
    this.#pages.add(page);
    page({ kind: 'state', state: this.#state });
    if (!this.#source && !this.#retry) this.#connect();
  }

  #leave(page: Page): void {
    this.#pages.delete(page);
    if (this.#pages.size === 0) this.#stop();
  }

  #connect(): void {
    this.#drop();
    const source = this.#outside.open();
    this.#source = source;
    // A source that was replaced may still have something to say; nobody listens.
    const on = (type: string, act: (data: unknown) => void) =>
      source.addEventListener(type, (event) => {
        if (this.#source === source) act(event.data);
      });
    on('open', () => this.#opened());
    on('change', (data) => this.#changed(data));
    on('resync', () => this.#tell({ kind: 'resync' }));
    on('gone', () => this.#gone());
    on('error', () => this.#failed(source));
  }

  #opened(): void {
    this.#retryMs = FIRST_RETRY_MS;
    this.#setState('open');
  }

  #changed(data: unknown): void {
    const topic = topicOf(data);
    if (topic !== undefined) this.#tell({ kind: 'change', topic });
  }

  #gone(): void {
    this.#tell({ kind: 'gone' });
    this.#stop();
  }

  /** A broken connection the browser mends by itself; a refused one is ours to try again. */
  #failed(source: Source): void {
    this.#setState('lost');
    if (source.readyState === CLOSED) void this.#afterRefusal();
  }

  async #afterRefusal(): Promise<void> {
    this.#drop();
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    const signedIn = await this.#outside.hasSession().catch(() => true);
    if (!signedIn && this.#state === 'lost') this.#gone();
  }

  #stop(): void {
    this.#drop();
    this.#state = 'connecting';
    this.#retryMs = FIRST_RETRY_MS;
  }

  #drop(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#source?.close();
    this.#source = undefined;
  }

  #setState(state: StreamState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#tell({ kind: 'state', state });
  }

  #tell(message: ToPage): void {
    for (const page of this.#pages) page(message);
  }
}
