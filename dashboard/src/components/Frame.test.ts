import { createRawSnippet, flushSync } from 'svelte';
import { beforeEach, expect, it } from 'vitest';

import { session } from '../api/session.svelte';
import { language } from '../i18n/language.svelte';
import { MARA, OPERATOR, render } from '../testing';
import Frame from './Frame.svelte';

const who = (page: HTMLElement) => page.querySelector('header .who bdi')?.textContent;

function show(): HTMLElement {
  return render(Frame, { children: createRawSnippet(() => ({ render: () => '<p>the page</p>' })) });
}

beforeEach(() => {
  language.choose('en');
  session.left();
});

it('says who is signed in, from sign-in to sign-out', () => {
  const page = show();
  expect(who(page)).toBeUndefined();
  session.began(MARA);
  flushSync();
  expect(who(page)).toBe('Mara');
  session.left();
  flushSync();
  expect(who(page)).toBeUndefined();
});

it('names the operator in the language of the page', () => {
  language.choose('de');
  session.began(OPERATOR);
  expect(who(show())).toBe('Betreiber');
});

it('shows a hostile name as the text that it is', () => {
  const name = '<img src=x onerror="window.pwned = true">';
  session.began({ ...MARA, name });
  const page = show();
  expect(who(page)).toBe(name);
  expect(page.querySelectorAll('.who img')).toHaveLength(0);
});
