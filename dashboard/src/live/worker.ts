// The shared worker: the hub of all pages of this browser.
import { Hub, type Page } from './hub';
import type { ToHub } from './messages';
import { server } from './outside';

const hub = new Hub(server);

addEventListener('connect', (event) => {
  const port = (event as MessageEvent).ports[0];
  if (!port) return;
  const page: Page = (message) => port.postMessage(message);
  port.onmessage = (said: MessageEvent<ToHub>) => hub.hear(page, said.data);
});
