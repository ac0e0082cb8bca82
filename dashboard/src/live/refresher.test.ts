import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { Refresher } from './refresher';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('runs at once, and then at most twice per second', async () => {
  const run = vi.fn(() => Promise.resolve());
  const refresher = new Refresher(run);
  refresher.request();
  expect(run).toHaveBeenCalledTimes(1);
  for (let step = 0; step < 100; ++step) {
    refresher.request();
    await vi.advanceTimersByTimeAsync(20);
  }
  expect(run.mock.calls.length).toBeGreaterThanOrEqual(4);
  expect(run.mock.calls.length).toBeLessThanOrEqual(5);
});

it('runs once more for requests that came too early, and then rests', async () => {
  const run = vi.fn(() => Promise.resolve());
  const refresher = new Refresher(run);
  refresher.request();
  refresher.request();
  refresher.request();
  expect(run).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(run).toHaveBeenCalledTimes(2);
});

it('never runs twice at the same time', async () => {
  const ends: (() => void)[] = [];
  const run = vi.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
  const refresher = new Refresher(run);
  refresher.request();
  refresher.request();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(run).toHaveBeenCalledTimes(1);
  ends[0]!();
  await vi.advanceTimersByTimeAsync(0);
  expect(run).toHaveBeenCalledTimes(2);
});

it('does nothing after it was stopped', async () => {
  const run = vi.fn(() => Promise.resolve());
  const refresher = new Refresher(run);
  refresher.request();
  refresher.request();
  refresher.stop();
  refresher.request();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(run).toHaveBeenCalledTimes(1);
});
