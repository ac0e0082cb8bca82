// The page's end of the stream of changes: who shows what is told when it has changed. Resources
// (resource.svelte.ts) subscribe; the frame of the page shows the state.
import { session } from '../api/session.svelte';
import { Hub, type Page } from './hub';
import type { StreamState, ToHub, ToPage } from './messages';
import { server } from './outside';

type Say = (message: ToHub) => void;

interface Subscription {
  topics: string[];
  refresh: () => void;
  /** Changed while nobody looked. */
  missed: boolean;
}

function joinInPage(page: Page): Say {
  const hub = new Hub(server);
  return (message) => hub.hear(page, message);
}

function joinWorker(page: Page, onFailure: () => void): Say {
  const worker = new SharedWorker(new URL('./worker.ts', import.meta.url), {
    name: 'guildhall',
    type: 'module',
  });
  worker.onerror = onFailure;
  worker.port.onmessage = (event: MessageEvent<ToPage>) => page(event.data);
  return (message) => worker.port.postMessage(message);
}

class Live {
  state = $state<StreamState>('connecting');
  readonly #subscriptions = new Set<Subscription>();
  #say: Say | undefined;

  /** From sign-in to sign-out. Returns how to stop. */
  start(): () => void {
    this.#say = this.#reach();
    this.#say('join');
    const leave = () => this.#say?.('leave');
    // The browser had put the page aside and brings it back.
    const back = (event: PageTransitionEvent) => event.persisted && this.#say?.('join');
    const wake = () => {
      if (document.visibilityState === 'hidden') return;
      this.#say?.('wake');
      this.#catchUp();
    };
    addEventListener('pagehide', leave);
    addEventListener('pageshow', back);
    addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    return () => {
      leave();
      removeEventListener('pagehide', leave);
      removeEventListener('pageshow', back);
      removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      this.state = 'connecting';
    };
  }

  /**
   * Calls `refresh` on every change of one of the topics; while the page is hidden only once, when it is
   * seen again. Returns how to end that.
   */
  subscribe(topics: string[], refresh: () => void): () => void {
    const subscription = { topics, refresh, missed: false };
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  #reach(): Say {
    const page: Page = (message) => this.#hear(message);
    if (typeof SharedWorker === 'undefined') return joinInPage(page);
    return joinWorker(page, () => {
      this.#say = joinInPage(page);
      this.#say('join');
    });
  }

  #hear(message: ToPage): void {
    switch (message.kind) {
      case 'state':
        this.state = message.state;
        if (message.state === 'open') this.#refreshAll();
        break;
      case 'change':
        this.#refresh(message.topic);
        break;
      case 'resync':
        this.#refreshAll();
        break;
      case 'gone':
        session.lost();
        break;
    }
  }

  #refresh(topic: string): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.topics.includes(topic)) this.#changed(subscription);
    }
  }

  #refreshAll(): void {
    for (const subscription of this.#subscriptions) this.#changed(subscription);
  }

  #changed(subscription: Subscription): void {
    subscription.missed = document.visibilityState === 'hidden';
    if (!subscription.missed) subscription.refresh();
  }

  #catchUp(): void {
    for (const subscription of this.#subscriptions) if (subscription.missed) this.#changed(subscription);
  }
}

export const live = new Live();
