import { beforeEach, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import type { Grant } from '../api/types';
import { toasts } from '../components/toasts.svelte';
import { language } from '../i18n/language.svelte';
import { button, type Call, failure, HARBOR, MARA, OPERATOR, render, serve } from '../testing';
import Channels from './Channels.svelte';

const ARCADE = { id: '2', name: 'The Quiet Arcade' };
const LANTERN: Grant = {
  id: '77',
  platform: 'kick',
  slug: 'lantern-live',
  name: 'Lantern_Live',
  token_state: 'connected',
  granted_at: '2026-05-01T10:00:00Z',
  scopes: ['user:read', 'of:later'],
  servers: [{ id: HARBOR.id, name: HARBOR.name }, ARCADE],
};

/** The page of somebody who has granted this; what he withdraws is gone from the next answer on. */
async function show(grants: Grant[]): Promise<{ page: HTMLElement; calls: Call[] }> {
  let left = grants;
  const calls = serve(({ method, path }) => {
    if (method !== 'DELETE') return { body: { channels: left } };
    const server = /\/servers\/(\d+)$/.exec(path)?.[1];
    left = server
      ? left.map((one) => ({ ...one, servers: one.servers.filter(({ id }) => id !== server) }))
      : [];
    return { status: 204 };
  });
  const page = render(Channels, {});
  await vi.waitFor(() => expect(page.querySelector('.loading')).toBeNull());
  return { page, calls };
}

const withdrawn = (calls: Call[]) =>
  calls.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
const said = () => toasts.shown.map(({ text }) => text);

beforeEach(() => {
  language.choose('en');
  session.began(MARA);
  for (const { id } of toasts.shown) toasts.dismiss(id);
});

it('one press withdraws for one server, and the others go on listening', async () => {
  const { page, calls } = await show([LANTERN]);
  button(page, 'Withdraw from The Quiet Arcade').click();
  await vi.waitFor(() => expect(page.textContent).not.toContain('The Quiet Arcade'));
  expect(withdrawn(calls)).toEqual(['/api/v1/channels/kick/77/servers/2']);
  expect(said()).toContain('The Quiet Arcade no longer listens to Lantern_Live');
  expect(button(page, 'Withdraw from Lantern Harbor').disabled).toBe(false);
});

it('one press withdraws altogether', async () => {
  const { page, calls } = await show([LANTERN]);
  button(page, 'Withdraw everything').click();
  await vi.waitFor(() => expect(page.textContent).toContain('You have connected no channel.'));
  expect(withdrawn(calls)).toEqual(['/api/v1/channels/kick/77']);
  expect(said()).toContain('The consent for Lantern_Live is withdrawn');
});

it('what the server refuses is said, and stays', async () => {
  serve(({ method }) =>
    method === 'DELETE' ? failure(403, 'forbidden', 'not yours') : { body: { channels: [LANTERN] } },
  );
  const page = render(Channels, {});
  await vi.waitFor(() => expect(page.querySelector('.loading')).toBeNull());
  button(page, 'Withdraw everything').click();
  await vi.waitFor(() => expect(said()).toHaveLength(1));
  expect(said()).not.toContain('The consent for Lantern_Live is withdrawn');
  expect(page.textContent).toContain('Lantern_Live');
  await vi.waitFor(() => expect(button(page, 'Withdraw everything').disabled).toBe(false));
});

it('says what is granted in words, by its own name where there are none', async () => {
  const { page } = await show([LANTERN]);
  const [known, unknown] = page.querySelectorAll('.scopes li');
  expect(known!.textContent).not.toContain('user:read');
  expect(unknown!.textContent).toBe('of:later');
  expect(page.querySelector('.trouble')).toBeNull();
});

it('a consent that does not hold any more stands out', async () => {
  const { page } = await show([{ ...LANTERN, token_state: 'needs_reauth', servers: [] }]);
  expect(page.querySelector('.trouble')!.textContent).toContain('Ran out: connect it again');
  expect(page.textContent).toContain('No server listens to this channel at the moment.');
});

it('to an operator they are those of everybody', async () => {
  session.began(OPERATOR);
  const { page } = await show([LANTERN]);
  expect(page.querySelector('h1')!.textContent).toBe('Connected channels');
});
