// The present moment for texts such as "5 minutes ago", in steps of 15 s, by the server's clock: a
// browser's own may be wrong, and the world of a demo runs faster.
import { createSubscriber } from 'svelte/reactivity';

const STEP_MS = 15_000;

let aheadMs = 0;

const ticking = createSubscriber((update) => {
  const timer = setInterval(update, STEP_MS);
  return () => clearInterval(timer);
});

/** Sets the clock by an answer of the server, which says its time to the second. */
export function setClock(answer: Response): void {
  const date = Date.parse(answer.headers.get('date') ?? '');
  if (!Number.isNaN(date)) aheadMs = date - Date.now();
}

export function now(): Date {
  ticking();
  return new Date(Date.now() + aheadMs);
}
