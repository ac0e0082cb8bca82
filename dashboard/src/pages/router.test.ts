import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { path, routeOf, router } from './router.svelte';

describe('an address', () => {
  it.each([
    ['/', { page: 'servers' }],
    ['/sign-in', { page: 'sign-in' }],
    ['/servers/812345678901234567', { page: 'server', server: '812345678901234567' }],
    ['/servers/-7/settings', { page: 'settings', server: '-7' }],
    ['/servers/1/audit', { page: 'audit', server: '1' }],
    ['/servers/', { page: 'unknown' }],
    ['/servers/abc', { page: 'unknown' }],
    ['/servers/1/other', { page: 'unknown' }],
    ['/servers/1/settings/x', { page: 'unknown' }],
  ])('%s leads to its page', (address, route) => {
    expect(routeOf(address)).toEqual(route);
  });

  it('is written as it is read', () => {
    expect(routeOf(path.audit('5'))).toEqual({ page: 'audit', server: '5' });
    expect(routeOf(path.settings('5'))).toEqual({ page: 'settings', server: '5' });
  });
});

it('tells Discord’s way in where to come back to', () => {
  const { pathname, searchParams } = new URL(path.discord('/servers/5'), location.origin);
  expect(pathname).toBe('/auth/discord/start');
  expect([...searchParams]).toEqual([['to', '/servers/5']]);
});

describe('the router', () => {
  let stop: () => void;

  function click(html: string, options: MouseEventInit = {}): boolean {
    document.body.innerHTML = html;
    const event = new MouseEvent('click', { bubbles: true, cancelable: true, ...options });
    // Nothing in the test follows a link that the router has left to the browser.
    document.addEventListener('click', (last) => last.preventDefault(), { once: true });
    document.querySelector('a')!.dispatchEvent(event);
    return location.pathname !== '/';
  }

  beforeEach(() => {
    history.replaceState({}, '', '/');
    router.path = '/';
    vi.spyOn(globalThis, 'scrollTo').mockImplementation(() => undefined);
    stop = router.start();
  });

  afterEach(() => {
    stop();
    document.body.innerHTML = '';
  });

  it('takes a plain click on one of our links', () => {
    expect(click('<a href="/servers/1">one</a>')).toBe(true);
    expect(router.route).toEqual({ page: 'server', server: '1' });
  });

  it('leaves to the browser what is the browser’s', () => {
    expect(click('<a href="/servers/1">new tab</a>', { ctrlKey: true })).toBe(false);
    expect(click('<a href="/servers/1" target="_blank">new tab</a>')).toBe(false);
    expect(click('<a href="/servers/1" download>file</a>')).toBe(false);
    expect(click('<a href="https://kick.com/servers/1">elsewhere</a>')).toBe(false);
    expect(click('<a href="#content">here</a>')).toBe(false);
    expect(click('<a href="/auth/discord/start?to=%2F">to Discord</a>')).toBe(false);
  });

  it('goes back to the page that asked for the sign-in', () => {
    router.go('/servers/1/settings');
    router.requireSignIn();
    expect(location.pathname).toBe('/sign-in');
    expect(router.next).toBe('/servers/1/settings');
    router.leaveSignIn();
    expect(location.pathname).toBe('/servers/1/settings');
  });

  it('takes the parameters out of the address bar', () => {
    history.replaceState({ next: '/x' }, '', '/sign-in?code=SECRET');
    expect(router.takeParameters().get('code')).toBe('SECRET');
    expect(location.href).not.toContain('SECRET');
    expect(history.state).toEqual({ next: '/x' });
  });
});
