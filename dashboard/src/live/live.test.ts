import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import { OPERATOR } from '../testing';
import { live } from './live.svelte';

// jsdom has neither SharedWorker nor EventSource: the hub is part of the page, the stream is ours.
class Stream extends EventTarget {
  static last: Stream;
  readyState = 0;

  constructor(readonly url: string) {
    super();
    Stream.last = this;
  }

  say(type: string, data: unknown = {}): void {
    this.dispatchEvent(new MessageEvent(type, { data: JSON.stringify(data) }));
  }

  close(): void {
    this.readyState = 2;
  }
}

let stop: () => void;
let visible: DocumentVisibilityState;

function look(state: DocumentVisibilityState): void {
  visible = state;
  document.dispatchEvent(new Event('visibilitychange'));
}

function follow(topics: string[]) {
  const refresh = vi.fn();
  ends.push(live.subscribe(topics, refresh));
  return refresh;
}

const ends: (() => void)[] = [];

beforeEach(() => {
  visible = 'visible';
  vi.stubGlobal('EventSource', Stream);
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visible);
  stop = live.start();
  Stream.last.say('open');
});

afterEach(() => {
  stop();
  for (const end of ends.splice(0)) end();
  vi.unstubAllGlobals();
});

describe('changes', () => {
  it('reach who shows the topic, and nobody else', () => {
    const points = follow(['server/1/points']);
    const other = follow(['server/2/points', 'servers']);
    Stream.last.say('change', { topic: 'server/1/points', version: 7 });
    expect(points).toHaveBeenCalledTimes(1);
    expect(other).not.toHaveBeenCalled();
  });

  it('reach everybody when some may have been missed', () => {
    const [one, two] = [follow(['servers']), follow(['server/1/settings'])];
    Stream.last.say('resync');
    expect(one).toHaveBeenCalledTimes(1);
    expect(two).toHaveBeenCalledTimes(1);
  });

  it('are fetched again after the stream was broken', () => {
    const refresh = follow(['servers']);
    Stream.last.say('error');
    expect(live.state).toBe('lost');
    expect(refresh).not.toHaveBeenCalled();
    Stream.last.say('open');
    expect(live.state).toBe('open');
    expect(refresh).toHaveBeenCalledTimes(1);
  });

  it('wait while nobody looks at the page, and are caught up once', () => {
    const refresh = follow(['servers']);
    const untouched = follow(['server/1/points']);
    look('hidden');
    Stream.last.say('change', { topic: 'servers', version: 8 });
    Stream.last.say('change', { topic: 'servers', version: 9 });
    expect(refresh).not.toHaveBeenCalled();
    look('visible');
    expect(refresh).toHaveBeenCalledTimes(1);
    expect(untouched).not.toHaveBeenCalled();
  });
});

it('signs the page out when the session has ended', () => {
  session.began(OPERATOR);
  Stream.last.say('gone');
  expect(session.status).toBe('out');
  expect(session.expired).toBe(true);
});
