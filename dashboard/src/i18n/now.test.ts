import { expect, it, vi } from 'vitest';

import { now, setClock } from './now';

it("the page goes by the server's clock, as the last answer that says it", () => {
  vi.useFakeTimers({ now: new Date('2026-03-01T10:00:00Z') });
  try {
    setClock(new Response(null, { headers: { date: 'Sun, 01 Mar 2026 12:30:00 GMT' } }));
    vi.advanceTimersByTime(5_000);
    expect(now().toISOString()).toBe('2026-03-01T12:30:05.000Z');
    setClock(new Response());
    expect(now().toISOString()).toBe('2026-03-01T12:30:05.000Z');
  } finally {
    vi.useRealTimers();
  }
});
