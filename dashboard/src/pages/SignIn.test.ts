import { flushSync } from 'svelte';
import { beforeEach, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import { language } from '../i18n/language.svelte';
import { failure, render, serve } from '../testing';
import { router } from './router.svelte';
import SignIn from './SignIn.svelte';

const SESSION = { principal: 'operator', csrf_token: 'x', version: '1' };

function open(address: string): HTMLElement {
  history.replaceState({}, '', address);
  router.path = '/sign-in';
  return render(SignIn, {});
}

beforeEach(() => {
  language.choose('en');
  session.left();
});

it('sends the code of the address once, and takes it out of the address bar first', async () => {
  const calls = serve(({ method }) => (method === 'POST' ? { status: 204 } : { body: SESSION }));
  open('/sign-in?code=ABCD-EFGH');
  expect(location.search).toBe('');
  await vi.waitFor(() => expect(location.pathname).toBe('/'));
  expect(calls.filter((call) => call.method === 'POST').map((call) => call.body)).toEqual([
    { code: 'ABCD-EFGH' },
  ]);
});

it('does not spend a code when there is a session', () => {
  const calls = serve(() => ({ body: SESSION }));
  session.began({ ...SESSION, principal: 'operator' });
  open('/sign-in?code=ABCD-EFGH');
  expect(location.pathname).toBe('/');
  expect(calls).toHaveLength(0);
});

it('says beside the field that a code is wrong, and does not try it again', async () => {
  const calls = serve(() => failure(401, 'unauthenticated', 'wrong'));
  const page = open('/sign-in?code=OLD');
  await vi.waitFor(() => expect(page.querySelector('[role=alert]')).not.toBeNull());
  flushSync();
  expect(page.querySelector('[role=alert]')!.textContent).toContain('This code is wrong');
  expect(page.querySelector('input')!.getAttribute('aria-invalid')).toBe('true');
  expect(page.querySelector('input')!.value).toBe('OLD');
  expect(calls).toHaveLength(1);
});

it('says that a session has ended', () => {
  session.began({ ...SESSION, principal: 'operator' });
  session.lost();
  expect(open('/sign-in').textContent).toContain('Your session has ended');
});
