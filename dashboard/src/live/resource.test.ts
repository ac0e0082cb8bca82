import { beforeEach, expect, it, vi } from 'vitest';

import { ApiError } from '../api/error';
import { Resource } from './resource.svelte';

let answer: () => Promise<string>;
let shown: Resource<string>;

/** What is shown after the next answer. */
async function refreshed(next: () => Promise<string>) {
  answer = next;
  shown.refresh();
  await vi.advanceTimersByTimeAsync(1_000);
  return [shown.data, shown.error?.code];
}

const refuse = (code: string) => () => Promise.reject(new ApiError(code, ''));

beforeEach(() => {
  vi.useFakeTimers();
  shown = new Resource<string>();
  answer = () => Promise.resolve('first');
  const end = shown.follow({ topics: [], load: () => answer() });
  return () => {
    end();
    vi.useRealTimers();
  };
});

it('a resource keeps what was there while the server cannot say more', async () => {
  expect(await refreshed(() => Promise.resolve('second'))).toEqual(['second', undefined]);
  expect(await refreshed(refuse('unavailable'))).toEqual(['second', 'unavailable']);
  expect(await refreshed(refuse('unreachable'))).toEqual(['second', 'unreachable']);
});

it('a resource shows nothing any longer of what is not for this session', async () => {
  expect(await refreshed(() => Promise.resolve('second'))).toEqual(['second', undefined]);
  expect(await refreshed(refuse('not_found'))).toEqual([undefined, 'not_found']);
});

it('an answer from before a change does not take that back', async () => {
  expect(await refreshed(() => Promise.resolve('second'))).toEqual(['second', undefined]);
  let late!: (data: string) => void;
  expect(await refreshed(() => new Promise((resolve) => (late = resolve)))).toEqual(['second', undefined]);
  shown.patch(() => 'changed');
  answer = () => Promise.resolve('changed, and more');
  const seen: (string | undefined)[] = [];
  late('second');
  for (let step = 0; step < 10; step += 1) {
    await vi.advanceTimersByTimeAsync(100);
    seen.push(shown.data);
  }
  expect([...new Set(seen)]).toEqual(['changed, and more']);
});
