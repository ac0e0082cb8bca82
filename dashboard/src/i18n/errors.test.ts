import { beforeEach, expect, it } from 'vitest';

import { ApiError } from '../api/error';
import { explain, inOneLine } from './errors';
import { language } from './language.svelte';

beforeEach(() => language.choose('en'));

it("makes sentences of the server's words", () => {
  const error = new ApiError('unavailable', 'Kick is not configured', 'enter the id of the app');
  expect(inOneLine(explain(error))).toBe('Kick is not configured. Enter the id of the app.');
});

it("adds nothing to the server's words", () => {
  expect(explain(new ApiError('unavailable', 'Kick is not configured')).hint).toBe('');
});

it('has words of its own where the server has none', () => {
  expect(explain(new ApiError('not_found', '')).message).toBe(
    'There is no such thing, or it is not yours to see.',
  );
  expect(explain(new ApiError('teapot', '')).message).toBe('Something went wrong on the server.');
});

it('says what is the same everywhere in the language of the page', () => {
  language.choose('de');
  expect(explain(new ApiError('unreachable', 'TypeError: fetch failed')).message).toBe(
    'Der Server antwortet nicht.',
  );
  expect(explain(new ApiError('rate_limited', 'too many requests')).message).toBe('Zu viele Versuche.');
});
