// Something the server holds, as the page shows it: fetched at once, fetched again when one of its
// topics changes, and tried again after a failure. What was there stays visible meanwhile, unless the server
// says that it is not, or no longer, for this session.
import { untrack } from 'svelte';

import { ApiError } from '../api/error';
import { live } from './live.svelte';
import { Refresher } from './refresher';

const RETRY_MS = 5_000;

export interface Request<T> {
  topics: string[];
  load: () => Promise<T>;
}

export class Resource<T> {
  data = $state.raw<T>();
  error = $state.raw<ApiError>();
  #refresh: (() => void) | undefined;
  #patches = 0;

  /** Fetches now, whatever the topics say. */
  refresh(): void {
    this.#refresh?.();
  }

  /**
   * Shows at once what a change has led to; the next answer of the server replaces it. One that was asked for earlier may not
   * know of the change, and is asked for once more.
   */
  patch(change: (data: T) => T): void {
    this.#patches += 1;
    if (this.data !== undefined) this.data = change(this.data);
  }

  /** Follows that request until the returned function is called. */
  follow({ topics, load }: Request<T>): () => void {
    let ended = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const refresher = new Refresher(async () => {
      clearTimeout(retry);
      const patches = this.#patches;
      try {
        const data = await load();
        if (ended) return;
        if (patches === this.#patches) this.#loaded(data);
        else refresher.request();
      } catch (error) {
        if (!ended && this.#failed(error)) retry = setTimeout(() => refresher.request(), RETRY_MS);
      }
    });
    this.#refresh = () => refresher.request();
    const unsubscribe = live.subscribe(topics, this.#refresh);
    refresher.request();
    return () => {
      ended = true;
      clearTimeout(retry);
      unsubscribe();
      refresher.stop();
    };
  }

  #loaded(data: T): void {
    this.data = data;
    this.error = undefined;
  }

  /** True: worth another try. */
  #failed(error: unknown): boolean {
    this.error = error instanceof ApiError ? error : new ApiError('failed', String(error));
    if (this.error.code === 'not_found') this.data = undefined;
    return ['unreachable', 'unavailable', 'rate_limited', 'failed'].includes(this.error.code);
  }
}

/** For the life of the component that calls it; whatever `request` reads starts it anew. */
export function resource<T>(request: () => Request<T>): Resource<T> {
  const made = new Resource<T>();
  $effect(() => {
    const wanted = request();
    return untrack(() => made.follow(wanted));
  });
  return made;
}
