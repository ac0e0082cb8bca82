// Addresses of the page. Links are plain <a href>; a click on one of ours is taken here, one on an address
// below /auth/ is the server's.

export type Route =
  | { page: 'servers' }
  | { page: 'sign-in' }
  | { page: 'channels' }
  | { page: 'setup' }
  | { page: 'server' | 'settings' | 'audit'; server: string }
  | { page: 'unknown' };

const SERVER_PAGES = { '': 'server', '/settings': 'settings', '/audit': 'audit' } as const;

export function routeOf(path: string): Route {
  if (path === '/') return { page: 'servers' };
  if (path === '/sign-in') return { page: 'sign-in' };
  if (path === '/channels') return { page: 'channels' };
  if (path === '/setup') return { page: 'setup' };
  const [, server, rest] = /^\/servers\/(-?\d{1,19})(\/settings|\/audit|)$/.exec(path) ?? [];
  if (server === undefined) return { page: 'unknown' };
  return { page: SERVER_PAGES[rest as keyof typeof SERVER_PAGES], server };
}

export const path = {
  servers: '/',
  signIn: '/sign-in',
  channels: '/channels',
  setup: '/setup',
  server: (id: string) => `/servers/${id}`,
  settings: (id: string) => `/servers/${id}/settings`,
  audit: (id: string) => `/servers/${id}/audit`,
  /** Leaves the page: to Discord, and signed in from there to `next`. */
  discord: (next: string) => `/auth/discord/start?to=${encodeURIComponent(next)}`,
};

/** Where to go after the sign-in; kept by the browser with the entry of its history. */
interface Memory {
  next?: string;
}

/** The ones that the browser must handle: other sites, new tabs, downloads, places within the page. */
function ourLink(event: MouseEvent): HTMLAnchorElement | undefined {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!plain || event.defaultPrevented || !link) return undefined;
  const place = link.hash !== '' && link.pathname === location.pathname;
  const theirs = link.origin !== location.origin || link.pathname.startsWith('/auth/');
  const elsewhere = theirs || link.target !== '' || link.hasAttribute('download');
  return place || elsewhere ? undefined : link;
}

class Router {
  path = $state(location.pathname);
  route = $derived(routeOf(this.path));

  /** Returns how to stop. */
  start(): () => void {
    const moved = () => (this.path = location.pathname);
    const clicked = (event: MouseEvent) => {
      const link = ourLink(event);
      if (!link) return;
      event.preventDefault();
      this.go(link.pathname + link.hash);
    };
    addEventListener('popstate', moved);
    document.addEventListener('click', clicked);
    return () => {
      removeEventListener('popstate', moved);
      document.removeEventListener('click', clicked);
    };
  }

  go(to: string): void {
    history.pushState({}, '', to);
    this.path = location.pathname;
    scrollTo(0, 0);
  }

  /** To the sign-in page, and later back to the present one. */
  requireSignIn(): void {
    if (this.route.page === 'sign-in') return;
    const memory: Memory = { next: this.path };
    history.replaceState(memory, '', path.signIn);
    this.path = path.signIn;
  }

  /** Where the sign-in leads to. */
  get next(): string {
    return (history.state as Memory | null)?.next ?? path.servers;
  }

  leaveSignIn(): void {
    history.replaceState({}, '', this.next);
    this.path = location.pathname;
  }

  /** Takes the parameters out of the address bar and returns them. */
  takeParameters(): URLSearchParams {
    const parameters = new URLSearchParams(location.search);
    if (location.search) history.replaceState(history.state, '', location.pathname);
    return parameters;
  }
}

export const router = new Router();
