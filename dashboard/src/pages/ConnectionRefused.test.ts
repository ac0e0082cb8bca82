import { beforeEach, expect, it } from 'vitest';

import { language } from '../i18n/language.svelte';
import { render } from '../testing';
import ConnectionRefused from './ConnectionRefused.svelte';

/** What the server may say, and Kick itself of a streamer who does not want to. */
const CODES = [
  'access_denied',
  'configuration',
  'forbidden',
  'invalid',
  'not_found',
  'taken',
  'unauthenticated',
  'unavailable',
];

const said = (code: string) => render(ConnectionRefused, { code }).textContent;

beforeEach(() => language.choose('en'));

it.each(CODES)('%s is said in words of its own', (code) => {
  expect(said(code)).not.toBe(said('another'));
});

it('a word that nobody knows leads to the log', () => {
  expect(said('another')).toContain('see the log of the bot');
});
