// Whether somebody is signed in, and who, for the whole page.
import type { Session } from './types';

class SessionState {
  /** `unknown` until the server has answered for the first time. */
  status = $state<'unknown' | 'in' | 'out'>('unknown');
  /** Signed out by the server, not by the person. */
  expired = $state(false);
  /** As the audit trail names who is signed in. */
  principal = $state('');
  name = $state('');
  operator = $state(false);
  version = $state('');
  csrfToken = '';

  began(session: Session): void {
    this.status = 'in';
    this.expired = false;
    this.principal = session.principal;
    this.name = session.name;
    this.operator = session.operator;
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
    this.principal = '';
    this.name = '';
    this.operator = false;
    this.csrfToken = '';
  }
}

export const session = new SessionState();
