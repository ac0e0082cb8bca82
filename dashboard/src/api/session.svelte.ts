// Whether somebody is signed in, for the whole page.
import type { Session } from './types';

class SessionState {
  /** `unknown` until the server has answered for the first time. */
  status = $state<'unknown' | 'in' | 'out'>('unknown');
  /** Signed out by the server, not by the person. */
  expired = $state(false);
  version = $state('');
  csrfToken = '';

  began(session: Session): void {
    this.status = 'in';
    this.expired = false;
    this.version = session.version;
    this.csrfToken = session.csrf_token;
  }

  /** The server knows no session, or no longer. */
  lost(): void {
    this.expired = this.expired || this.status === 'in';
    this.#out();
  }

  left(): void {
    this.expired = false;
    this.#out();
  }

  #out(): void {
    this.status = 'out';
    this.csrfToken = '';
  }
}

export const session = new SessionState();
