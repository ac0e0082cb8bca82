import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Hub, type Source } from './hub';
import type { ToPage } from './messages';

class FakeSource implements Source {
  readyState = 0;
  #listeners = new Map<string, (event: { data?: unknown }) => void>();

  addEventListener(type: string, listener: (event: { data?: unknown }) => void): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.readyState = 2;
  }

  emit(type: string, data?: unknown): void {
    this.#listeners.get(type)?.({ data });
  }

  change(topic: string): void {
    this.emit('change', JSON.stringify({ topic, version: 1 }));
  }

  /** The server has answered with an error: the browser does not try again. */
  refuse(): void {
    this.readyState = 2;
    this.emit('error');
  }
}

const sources: FakeSource[] = [];
let session: () => Promise<boolean>;

function makeHub(): Hub {
  return new Hub({
    open() {
      const source = new FakeSource();
      sources.push(source);
      return source;
    },
    hasSession: () => session(),
  });
}

function makePage() {
  const heard: ToPage[] = [];
  return { heard, page: (message: ToPage) => void heard.push(message) };
}

const latest = () => sources.at(-1)!;

beforeEach(() => {
  vi.useFakeTimers();
  sources.length = 0;
  session = () => Promise.resolve(true);
});

afterEach(() => void vi.useRealTimers());

describe('the hub', () => {
  it('opens one stream for all pages and tells each of them', () => {
    const hub = makeHub();
    const [a, b] = [makePage(), makePage()];
    hub.hear(a.page, 'join');
    latest().emit('open');
    hub.hear(b.page, 'join');
    latest().change('server/1/points');

    expect(sources).toHaveLength(1);
    expect(a.heard).toEqual([
      { kind: 'state', state: 'connecting' },
      { kind: 'state', state: 'open' },
      { kind: 'change', topic: 'server/1/points' },
    ]);
    expect(b.heard).toEqual([
      { kind: 'state', state: 'open' },
      { kind: 'change', topic: 'server/1/points' },
    ]);
  });

  it('tells nothing to a page that has left, and closes the stream after the last one', () => {
    const hub = makeHub();
    const [a, b] = [makePage(), makePage()];
    hub.hear(a.page, 'join');
    hub.hear(b.page, 'join');
    latest().emit('open');
    hub.hear(a.page, 'leave');
    latest().change('servers');
    expect(a.heard).not.toContainEqual({ kind: 'change', topic: 'servers' });
    expect(b.heard).toContainEqual({ kind: 'change', topic: 'servers' });

    hub.hear(b.page, 'leave');
    expect(latest().readyState).toBe(2);
    hub.hear(a.page, 'join');
    expect(sources).toHaveLength(2);
  });

  it('passes on a resync, and ignores what it does not understand', () => {
    const hub = makeHub();
    const { heard, page } = makePage();
    hub.hear(page, 'join');
    latest().emit('open');
    heard.length = 0;
    latest().emit('change', 'not json');
    latest().emit('change', '{"version":1}');
    latest().emit('resync', '{}');
    expect(heard).toEqual([{ kind: 'resync' }]);
  });

  it('lets the browser mend a broken stream', () => {
    const hub = makeHub();
    const { heard, page } = makePage();
    hub.hear(page, 'join');
    latest().emit('open');
    heard.length = 0;
    latest().emit('error');
    latest().emit('open');
    expect(sources).toHaveLength(1);
    expect(heard).toEqual([
      { kind: 'state', state: 'lost' },
      { kind: 'state', state: 'open' },
    ]);
  });

  it('tries a refused stream again, after longer and longer pauses', async () => {
    const hub = makeHub();
    hub.hear(makePage().page, 'join');
    for (const pause of [1_000, 2_000, 4_000]) {
      const before = sources.length;
      latest().refuse();
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(sources).toHaveLength(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(sources).toHaveLength(before + 1);
    }
  });

  it('does not wait when a page wakes it', async () => {
    const hub = makeHub();
    const { page } = makePage();
    hub.hear(page, 'join');
    latest().refuse();
    hub.hear(page, 'wake');
    expect(sources).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sources).toHaveLength(2);
  });

  it('listens to the newest stream only', () => {
    const hub = makeHub();
    const { heard, page } = makePage();
    hub.hear(page, 'join');
    const first = latest();
    first.emit('error');
    hub.hear(page, 'wake');
    latest().emit('open');
    heard.length = 0;
    first.change('servers');
    first.emit('error');
    expect(heard).toEqual([]);
  });

  it('tells every page when the session has ended, and connects no more', async () => {
    const hub = makeHub();
    const [a, b] = [makePage(), makePage()];
    hub.hear(a.page, 'join');
    hub.hear(b.page, 'join');
    latest().emit('gone', '{}');
    expect(a.heard.at(-1)).toEqual({ kind: 'gone' });
    expect(b.heard.at(-1)).toEqual({ kind: 'gone' });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sources).toHaveLength(1);
  });

  it('asks after a refusal whether there is a session at all', async () => {
    session = () => Promise.resolve(false);
    const hub = makeHub();
    const { heard, page } = makePage();
    hub.hear(page, 'join');
    latest().refuse();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard.at(-1)).toEqual({ kind: 'gone' });
    expect(sources).toHaveLength(1);
  });

  it('does not take silence for a missing session', async () => {
    session = () => Promise.reject(new Error('nobody there'));
    const hub = makeHub();
    const { heard, page } = makePage();
    hub.hear(page, 'join');
    latest().refuse();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).not.toContainEqual({ kind: 'gone' });
    expect(sources).toHaveLength(2);
  });
});
