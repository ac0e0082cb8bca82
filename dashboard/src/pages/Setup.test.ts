import { beforeEach, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import type { Finding } from '../api/types';
import { language } from '../i18n/language.svelte';
import { failure, OPERATOR, render, serve } from '../testing';
import Setup from './Setup.svelte';

const OK: Finding = { topic: 'address', level: 'ok', text: 'browsers reach it', hint: '' };
const WARNING: Finding = {
  topic: 'kick-webhooks',
  level: 'warn',
  text: 'nothing came',
  hint: 'Switch them on.',
};
const PROBLEM: Finding = {
  topic: 'token',
  level: 'problem',
  text: 'Discord refuses it',
  hint: 'Reset <it>.',
};

async function show(findings: Finding[], invite = ''): Promise<HTMLElement> {
  serve(() => ({ body: { findings, invite } }));
  const page = render(Setup, {});
  await vi.waitFor(() => expect(page.querySelector('.loading')).toBeNull());
  return page;
}

beforeEach(() => {
  language.choose('en');
  session.began(OPERATOR);
});

it('says first whether it works, and then what to do about each fault', async () => {
  const page = await show([OK, WARNING, PROBLEM]);
  expect(page.querySelector('[role=status]')!.textContent).toContain('1 thing keeps the bot from working.');
  expect([...page.querySelectorAll('h2')].map((heading) => heading.textContent)).toEqual([
    'This bot',
    'Discord',
    'Kick',
  ]);
  const fault = page.querySelector('li.problem')!;
  expect(fault.textContent).toContain('Token: a problem');
  expect(fault.textContent).toContain('Reset <it>.');
});

it.each([
  [[OK, WARNING], 'It works. 1 thing is worth a look.'],
  [[OK], 'Everything is set up.'],
])('does not make more of it than it is', async (findings, words) => {
  const page = await show(findings);
  expect(page.querySelector('[role=status]')!.textContent).toContain(words);
});

it('leads to where the bot is added to a server, once Discord says who it is', async () => {
  const known = await show([{ ...PROBLEM, level: 'ok' }], 'https://discord.test/invite');
  expect(known.querySelector('a.button')!.getAttribute('href')).toBe('https://discord.test/invite');
  const unknown = await show([PROBLEM]);
  expect(unknown.querySelector('a.button')).toBeNull();
});

it('looks again when asked, and says so meanwhile', async () => {
  const page = await show([PROBLEM]);
  serve(() => ({ body: { findings: [OK], invite: '' } }));
  const button = page.querySelector('button')!;
  button.click();
  await vi.waitFor(() => expect(page.textContent).toContain('Everything is set up.'));
  expect(button.textContent.trim()).toBe('Look again');
});

it('says why it cannot look', async () => {
  serve(() => failure(403, 'forbidden'));
  const page = render(Setup, {});
  await vi.waitFor(() => expect(page.textContent).toContain('You may not do that.'));
});
