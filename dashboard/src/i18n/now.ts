// The present moment for texts such as "5 minutes ago", in steps of 15 s.
import { createSubscriber } from 'svelte/reactivity';

const STEP_MS = 15_000;

const ticking = createSubscriber((update) => {
  const timer = setInterval(update, STEP_MS);
  return () => clearInterval(timer);
});

export function now(): Date {
  ticking();
  return new Date();
}
