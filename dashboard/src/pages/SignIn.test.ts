import { flushSync } from 'svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import { toasts } from '../components/toasts.svelte';
import { language } from '../i18n/language.svelte';
import { button, type Call, failure, MARA, OPERATOR, render, type Reply, serve, type } from '../testing';
import { router } from './router.svelte';
import SignIn from './SignIn.svelte';

interface House {
  discord?: boolean;
  /** The answer to a code. */
  code?: Reply;
}

function house({ discord = false, code = { status: 204 } }: House = {}): Call[] {
  return serve(({ method, path }) => {
    if (path === '/api/v1/sign-in') return { body: { discord } };
    return method === 'POST' ? code : { body: OPERATOR };
  });
}

/** The codes that were sent. */
const sent = (calls: Call[]) => calls.filter(({ method }) => method === 'POST').map(({ body }) => body);

function open(address: string, state: unknown = {}): HTMLElement {
  history.replaceState(state, '', address);
  router.path = '/sign-in';
  return render(SignIn, {});
}

async function opened(address: string, state?: unknown): Promise<HTMLElement> {
  const page = open(address, state);
  await vi.waitFor(() => expect(page.querySelector('#code')).not.toBeNull());
  return page;
}

const toDiscord = (page: HTMLElement) => page.querySelector<HTMLAnchorElement>('a.primary');

beforeEach(() => {
  language.choose('en');
  session.left();
  toasts.shown = [];
});

describe('a code', () => {
  it('of the address is sent once, and leaves the address bar first', async () => {
    const calls = house();
    open('/sign-in?code=ABCD-EFGH');
    expect(location.search).toBe('');
    await vi.waitFor(() => expect(location.pathname).toBe('/'));
    expect(sent(calls)).toEqual([{ code: 'ABCD-EFGH' }]);
  });

  it('is not spent when there is a session', async () => {
    const calls = house();
    session.began(OPERATOR);
    await opened('/sign-in?code=ABCD-EFGH');
    expect(location.pathname).toBe('/');
    expect(sent(calls)).toEqual([]);
  });

  it('that is wrong is said to be beside the field, and is not tried again', async () => {
    const calls = house({ code: failure(401, 'unauthenticated', 'wrong') });
    const page = open('/sign-in?code=OLD');
    await vi.waitFor(() => expect(page.querySelector('[role=alert]')).not.toBeNull());
    flushSync();
    expect(page.querySelector('[role=alert]')!.textContent).toContain('This code is wrong');
    expect(page.querySelector('input')!.getAttribute('aria-invalid')).toBe('true');
    expect(page.querySelector('input')!.value).toBe('OLD');
    expect(sent(calls)).toHaveLength(1);
  });

  it('is all there is to ask for where Discord is not offered', async () => {
    house();
    const page = await opened('/sign-in');
    expect(toDiscord(page)).toBeNull();
    expect(page.querySelector('details')).toBeNull();
  });

  it('can be entered where Discord is offered too', async () => {
    const calls = house({ discord: true });
    const page = await opened('/sign-in');
    const section = page.querySelector('details')!;
    expect(section.open).toBe(false);
    expect(section.querySelector('summary')!.textContent).toBe('Sign in with a code');
    type(section.querySelector('input')!, ' ABCD-EFGH ');
    button(section, 'Sign in').click();
    await vi.waitFor(() => expect(location.pathname).toBe('/'));
    expect(sent(calls)).toEqual([{ code: 'ABCD-EFGH' }]);
  });

  it('of the address opens its section', async () => {
    house({ discord: true, code: failure(401, 'unauthenticated', 'wrong') });
    const page = await opened('/sign-in?code=OLD');
    expect(page.querySelector('details')!.open).toBe(true);
  });
});

describe('Discord', () => {
  it('is the first way where it is offered, back to the page that was wanted', async () => {
    house({ discord: true });
    const page = await opened('/sign-in', { next: '/servers/5/settings' });
    expect(toDiscord(page)!.textContent).toBe('Sign in with Discord');
    expect(toDiscord(page)!.getAttribute('href')).toBe('/auth/discord/start?to=%2Fservers%2F5%2Fsettings');
  });

  it('leads to the list of servers where no page was wanted', async () => {
    house({ discord: true });
    expect(toDiscord(await opened('/sign-in'))!.getAttribute('href')).toBe('/auth/discord/start?to=%2F');
  });

  it.each([
    ['denied', 'cancelled at Discord'],
    ['expired', 'longer than ten minutes'],
    ['too_many', 'Too many attempts'],
    ['unavailable', 'cannot be reached'],
    ['something_new', 'did not succeed'],
    ['__proto__', 'did not succeed'],
  ])('came back with %s, which the page says in a sentence', async (word, sentence) => {
    house({ discord: true });
    const page = await opened(`/sign-in?error=${word}`);
    expect(location.search).toBe('');
    expect(page.querySelector('[role=alert]')!.textContent).toContain(sentence);
    expect(toDiscord(page)).not.toBeNull();
  });

  it('came back without success for somebody who is signed in, who is told so on the next page', () => {
    house({ discord: true });
    session.began(MARA);
    open('/sign-in?error=denied');
    expect(location.pathname).toBe('/');
    expect(toasts.shown.map(({ text }) => text)).toEqual([expect.stringContaining('cancelled at Discord')]);
  });
});

it('says that a session has ended', () => {
  house();
  session.began(OPERATOR);
  session.lost();
  expect(open('/sign-in').textContent).toContain('Your session has ended');
});

it('says that nobody answers, and tries again when asked', async () => {
  let healthy = false;
  serve(() => (healthy ? { body: { discord: true } } : failure(503, 'unavailable')));
  const page = open('/sign-in');
  await vi.waitFor(() => expect(page.textContent).toContain('The server is busy.'));
  healthy = true;
  button(page, 'Try again').click();
  await vi.waitFor(() => expect(toDiscord(page)).not.toBeNull());
});
