import { beforeEach, expect, it } from 'vitest';

import type { ActivityRow } from '../../api/types';
import { language } from '../../i18n/language.svelte';
import { t } from '../../i18n/text';
import { describe, iconOf } from './describe';

function said(row: Partial<ActivityRow>): string {
  const { text, args } = describe({
    id: '1',
    at: '2026-03-01T18:05:00Z',
    kind: 'linked',
    name: 'Mara',
    amount: null,
    ...row,
  });
  return t(text, args);
}

beforeEach(() => language.choose('en'));

it.each([
  [{ kind: 'stream_live' }, 'Mara went live'],
  [{ kind: 'gifted_subs', amount: 1 }, 'Mara gifted 1 subscription'],
  [{ kind: 'gifted_subs', amount: 1500 }, 'Mara gifted 1,500 subscriptions'],
  [{ kind: 'points_changed', amount: 250 }, 'Mara: +250 points'],
  [{ kind: 'points_changed', amount: -1 }, 'Mara: -1 point'],
  [{ kind: 'unlinked' }, 'Mara is no longer linked to a Discord member'],
] as [Partial<ActivityRow>, string][])('says %o', (row, text) => {
  expect(said(row)).toBe(text);
});

it('has a line for a kind that is newer than the page', () => {
  const row = { kind: 'raffle_won' } as unknown as ActivityRow;
  expect(said(row)).toContain('Mara');
  expect(iconOf(row)).toBe('info');
});
