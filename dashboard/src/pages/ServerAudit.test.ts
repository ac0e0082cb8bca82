import { beforeEach, expect, it, vi } from 'vitest';

import { session } from '../api/session.svelte';
import type { AuditRow } from '../api/types';
import { language } from '../i18n/language.svelte';
import { MARA, OPERATOR, render, serve } from '../testing';
import ServerAudit from './ServerAudit.svelte';

const ROW: AuditRow = {
  id: '1',
  at: '2026-03-01T18:05:00Z',
  actor: 'discord:5',
  door: 'dashboard',
  action: 'settings.set',
  subject: 'language',
  before: null,
  after: 'de',
};

/** Who did it, as each row says. */
async function actors(rows: AuditRow[]): Promise<string[]> {
  serve(() => ({ body: { rows } }));
  const page = render(ServerAudit, { server: '1', zone: 'UTC' });
  await vi.waitFor(() => expect(page.querySelector('tbody tr')).not.toBeNull());
  return [...page.querySelectorAll('tbody tr')].map((row) =>
    [...row.querySelectorAll('td:nth-child(2) bdi')].map((one) => one.textContent).join(' '),
  );
}

beforeEach(() => language.choose('en'));

it('the audit trail names who reads it beside his own changes', async () => {
  session.began(MARA);
  const other = { ...ROW, id: '2', actor: 'discord:6' };
  expect(await actors([ROW, other])).toEqual(['discord:5 Mara', 'discord:6']);
});

it('the audit trail calls the operator what he is', async () => {
  session.began(OPERATOR);
  expect(await actors([{ ...ROW, actor: 'operator' }])).toEqual(['operator']);
});
