// What pages and the hub say to each other. The hub holds the browser's one stream of changes; it is
// the shared worker or, in browsers without, part of the page itself.

/** `open` also means: what was fetched before may be old. `lost`: broken, the hub is trying again. */
export type StreamState = 'connecting' | 'open' | 'lost';

export type ToPage =
  | { kind: 'state'; state: StreamState }
  | { kind: 'change'; topic: string }
  /** Something may have been missed: everything shown has to be fetched again. */
  | { kind: 'resync' }
  /** The session has ended. */
  | { kind: 'gone' };

/** `wake`: the page is looked at again, or the network is back; do not wait to reconnect. */
export type ToHub = 'join' | 'leave' | 'wake';
