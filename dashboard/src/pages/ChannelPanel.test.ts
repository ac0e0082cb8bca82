import { beforeEach, expect, it } from 'vitest';

import type { Access, Channel, ServerDetail } from '../api/types';
import { language } from '../i18n/language.svelte';
import { HARBOR, render } from '../testing';
import ChannelPanel from './ChannelPanel.svelte';

const CHANNEL: Channel = {
  platform: 'kick',
  slug: 'lantern-live',
  name: 'Lantern_Live',
  live: 'offline',
  live_since: null,
  token_state: 'none',
};

/** What there is to do about each state of a channel. */
const STATES: [string, Partial<ServerDetail>][] = [
  ['no channel', {}],
  ['a channel that is looked for', { wanted_channel: 'lantern' }],
  ['a channel that is not connected', { channel: CHANNEL }],
  ['a consent that no longer holds', { channel: { ...CHANNEL, token_state: 'needs_reauth' } }],
  ['a consent that was taken back', { channel: { ...CHANNEL, token_state: 'revoked' } }],
  ['a consent that Kick does not renew', { channel: { ...CHANNEL, token_state: 'expiring' } }],
];

function show(access: Access, state: Partial<ServerDetail>): HTMLElement {
  const server: ServerDetail = {
    ...HARBOR,
    access,
    time_zone: 'UTC',
    language: 'en',
    command_prefix: '!',
    watched_minutes_total: 0,
    features: [],
    wanted_channel: null,
    channel_problem: null,
    unsent: [],
    gaps: [],
    ...state,
  };
  return render(ChannelPanel, { server });
}

beforeEach(() => language.choose('en'));

it.each(STATES)('%s is for an administrator to connect', (_, state) => {
  expect(show('administrator', state).querySelector('button')!.textContent).toContain('Connect Kick');
});

it.each(STATES)('%s offers nothing to who may only look', (_, state) => {
  const panel = show('moderator', state);
  expect(panel.querySelector('button')).toBeNull();
  expect(panel.querySelector('a[href*="/settings"]')).toBeNull();
  expect(panel.querySelector('.notice .heading')!.textContent).not.toBe('');
});

it('who may only look is told who chooses the channel', () => {
  expect(show('viewer', {}).textContent).toContain("The server's owner and its administrators connect");
  expect(show('owner', {}).textContent).not.toContain('administrators connect');
});

it('a channel that is waited for can be given up', () => {
  const last = (state: Partial<ServerDetail>) => {
    const buttons = show('administrator', state).querySelectorAll('button');
    return buttons[buttons.length - 1]!.textContent!.trim();
  };
  expect(last({ wanted_channel: 'lantern' })).toBe('Wait for it no longer');
  expect(last({ channel: CHANNEL })).toBe('Disconnect');
  expect(last({})).toContain('Connect Kick');
});

it('times of which something is missing are shown, and one that goes on warns', () => {
  const gap = { from: '2026-05-01T10:00:00Z', until: '2026-05-01T11:00:00Z', reason: 'stopped' } as const;
  const channel: Channel = { ...CHANNEL, token_state: 'connected' };
  const over = show('viewer', { channel, gaps: [gap] });
  expect(over.querySelector('.gaps li')!.textContent).toMatch(/10:00.* to .*11:00.*: the bot did not run/);
  expect(over.textContent).not.toContain('Since');
  const open = show('viewer', { channel, gaps: [{ ...gap, until: null, reason: 'unsubscribed' }] });
  expect(open.querySelector('.notice')!.textContent).toMatch(/Since .*10:00.*: Kick had lost/);
  expect(open.querySelector('.gaps')).toBeNull();
});
