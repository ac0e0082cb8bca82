// The hub's view of the server.
import type { Outside } from './hub';

const DEADLINE_MS = 10_000;

export const server: Outside = {
  open: () => new EventSource('/api/v1/events'),
  async hasSession() {
    const answer = await fetch('/api/v1/session', { signal: AbortSignal.timeout(DEADLINE_MS) });
    return answer.status !== 401;
  },
};
