import { beforeEach, describe, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import type { Server } from '../api/types';
import { language } from '../i18n/language.svelte';
import { failure, HARBOR, MARA, OPERATOR, render, serve } from '../testing';
import Servers from './Servers.svelte';

async function show(servers: Server[]): Promise<HTMLElement> {
  serve(() => ({ body: { servers } }));
  const page = render(Servers, {});
  await vi.waitFor(() => expect(page.querySelector('.loading')).toBeNull());
  return page;
}

const lookAgain = (page: HTMLElement) =>
  [...page.querySelectorAll('a')].find((link) => link.textContent === 'Look again')?.getAttribute('href');

beforeEach(() => {
  language.choose('en');
  history.replaceState({}, '', '/');
});

describe('who signed in with Discord', () => {
  beforeEach(() => session.began(MARA));

  it('is told which servers appear when there is none, and can look again', async () => {
    const page = await show([]);
    expect(page.textContent).toContain('There is no server here yet that you may open.');
    expect(page.textContent).toContain('Manage Server');
    expect(lookAgain(page)).toBe('/auth/discord/start?to=%2F');
  });

  it('can look again for one that is missing', async () => {
    const page = await show([HARBOR]);
    expect(page.querySelector('h2')!.textContent).toBe('Lantern Harbor');
    expect(lookAgain(page)).toBe('/auth/discord/start?to=%2F');
  });
});

describe('the operator', () => {
  beforeEach(() => session.began(OPERATOR));

  it.each([[[]], [[HARBOR]]])('sees every server there is and has nothing to look up', async (servers) => {
    const page = await show(servers);
    expect(page.querySelectorAll('li')).toHaveLength(servers.length);
    expect(lookAgain(page)).toBeUndefined();
  });
});

it('says in the server’s words that Discord cannot be asked', async () => {
  session.began(MARA);
  serve(() => failure(503, 'unavailable', 'Discord cannot be asked just now what you may do here'));
  const page = render(Servers, {});
  await vi.waitFor(() => expect(page.textContent).toContain('Discord cannot be asked just now what you may'));
  expect(page.textContent).toContain('Try again');
});
