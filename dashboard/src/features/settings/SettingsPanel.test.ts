import { flushSync } from 'svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Access, Setting } from '../../api/types';
import { language } from '../../i18n/language.svelte';
import { type Call, button, failure, render, type Reply, serve, type } from '../../testing';
import SettingsPanel from './SettingsPanel.svelte';

const BASE: Setting = {
  key: 'points_per_5min',
  type: 'integer',
  owner: 'points',
  value: '1',
  source: 'builtin',
  server_value: null,
  fallback: '1',
  least: 0,
  most: 1000,
  choices: [],
  read_only: false,
  description: 'Points for five minutes.',
};

/** A server with three settings, which takes changes as the real one does. */
function serveSettings(refuse: (call: Call) => Reply | undefined = () => undefined) {
  const own = new Map<string, string>();
  const known: Setting[] = [
    BASE,
    {
      ...BASE,
      key: 'tracking_enabled',
      type: 'boolean',
      owner: 'watchtime',
      value: 'true',
      fallback: 'true',
    },
    {
      ...BASE,
      key: 'language',
      type: 'text',
      owner: 'bot',
      value: 'en',
      fallback: 'en',
      choices: ['en', 'de'],
    },
  ];
  const present = (setting: Setting): Setting => {
    const value = own.get(setting.key);
    return value === undefined ? setting : { ...setting, value, server_value: value, source: 'server' };
  };
  const calls = serve((call) => {
    if (call.method === 'GET') return { body: { settings: known.map(present) } };
    const refusal = refuse(call);
    if (refusal) return refusal;
    const key = call.path.split('/').at(-1)!;
    const { value, expected } = call.body as { value: string | null; expected: string | null };
    const before = own.get(key) ?? null;
    if (before !== expected) return failure(409, 'conflict');
    if (value === null) own.delete(key);
    else own.set(key, value);
    return { body: { key, before, after: value } };
  });
  return { own, calls };
}

async function show(access: Access = 'administrator'): Promise<HTMLElement> {
  const panel = render(SettingsPanel, { server: '1', access });
  await vi.waitFor(() => expect(panel.querySelector('#points_per_5min')).not.toBeNull());
  return panel;
}

const rate = (panel: HTMLElement) => panel.querySelector<HTMLInputElement>('#points_per_5min')!;
const rowOf = (field: Element) => field.closest('li')!;

async function submit(field: HTMLElement): Promise<void> {
  field.closest('form')!.requestSubmit();
  await vi.waitFor(() => flushSync());
}

beforeEach(() => language.choose('en'));

describe('the settings of a server', () => {
  it('are grouped by owner, with their value and where it comes from', async () => {
    serveSettings().own.set('points_per_5min', '3');
    const panel = await show();
    const headings = [...panel.querySelectorAll('h2')].map((heading) => heading.textContent);
    expect(headings).toEqual(['Points', 'Watch time', 'General']);
    expect(rate(panel).value).toBe('3');
    expect(rowOf(rate(panel)).textContent).toMatch(/Set for this server\s*default: 1/);
    expect(panel.querySelector<HTMLInputElement>('#tracking_enabled')!.checked).toBe(true);
  });

  it('are changed in place', async () => {
    const { own } = serveSettings();
    const panel = await show();
    type(rate(panel), '5');
    button(rowOf(rate(panel)), 'Save').click();
    await vi.waitFor(() => expect(rowOf(rate(panel)).textContent).toContain('Set for this server'));
    expect(own.get('points_per_5min')).toBe('5');
    expect(rate(panel).value).toBe('5');
  });

  it('tell beside the field what is wrong, and send nothing', async () => {
    const { calls } = serveSettings();
    const panel = await show();
    type(rate(panel), 'many');
    await submit(rate(panel));
    const problem = rowOf(rate(panel)).querySelector('[role=alert]')!;
    expect(problem.textContent).toBe('Must be a whole number from 0 to 1,000.');
    expect(rate(panel).getAttribute('aria-invalid')).toBe('true');
    expect(rate(panel).getAttribute('aria-describedby')).toContain(problem.id);
    expect(calls.filter((call) => call.method === 'PUT')).toHaveLength(0);
  });

  it('show what the server finds wrong', async () => {
    serveSettings(() => failure(400, 'invalid', 'points_per_5min: must be even', 'value'));
    const panel = await show();
    type(rate(panel), '7');
    await submit(rate(panel));
    await vi.waitFor(() => expect(rowOf(rate(panel)).textContent).toContain('Must be even.'));
    expect(rate(panel).value).toBe('7');
  });

  it('let the person choose when somebody else was first', async () => {
    const { own } = serveSettings();
    const panel = await show();
    type(rate(panel), '5');
    own.set('points_per_5min', '9');
    await submit(rate(panel));
    const row = rowOf(rate(panel));
    await vi.waitFor(() => expect(row.textContent).toContain('Somebody else changed this meanwhile'));
    expect([...row.querySelectorAll('dd')].map((value) => value.textContent)).toEqual(['9', '5']);
    expect(own.get('points_per_5min')).toBe('9');

    button(row, 'Save mine').click();
    await vi.waitFor(() => expect(own.get('points_per_5min')).toBe('5'));
    await vi.waitFor(() => expect(row.textContent).not.toContain('Somebody else'));
  });

  it('go back to what the other has set when the person says so', async () => {
    const { own } = serveSettings();
    const panel = await show();
    type(rate(panel), '5');
    own.set('points_per_5min', '9');
    await submit(rate(panel));
    const row = rowOf(rate(panel));
    await vi.waitFor(() => button(row, 'Keep what is set').click());
    await vi.waitFor(() => expect(rate(panel).value).toBe('9'));
    expect(own.get('points_per_5min')).toBe('9');
  });

  it('switch at once', async () => {
    const { own } = serveSettings();
    const panel = await show();
    panel.querySelector<HTMLInputElement>('#tracking_enabled')!.click();
    await vi.waitFor(() => expect(own.get('tracking_enabled')).toBe('false'));
  });

  it('go back to the default', async () => {
    const { own } = serveSettings();
    own.set('points_per_5min', '3');
    const panel = await show();
    button(rowOf(rate(panel)), 'Use the default').click();
    await vi.waitFor(() => expect(rate(panel).value).toBe('1'));
    expect(own.has('points_per_5min')).toBe(false);
  });
});

it.each(['viewer', 'moderator'] as Access[])(
  'a %s sees every value and why it is not his to change',
  async (access) => {
    const { own } = serveSettings();
    own.set('points_per_5min', '3');
    const panel = await show(access);
    expect(panel.textContent).toContain('You may look at these settings');
    const shown = [...panel.querySelectorAll('output')].map((value) => [value.id, value.textContent]);
    expect(shown).toEqual([
      ['points_per_5min', '3'],
      ['tracking_enabled', 'on'],
      ['language', 'English'],
    ]);
    expect(rowOf(panel.querySelector('output')!).textContent).toMatch(/Set for this server\s*default: 1/);
    expect(panel.querySelectorAll('button, input, select, form')).toHaveLength(0);
  },
);

it('says why nothing is there, and tries again when asked', async () => {
  let healthy = false;
  serve(() =>
    healthy ? { body: { settings: [BASE] } } : failure(404, 'not_found', 'there is no such server'),
  );
  const panel = render(SettingsPanel, { server: '1', access: 'owner' });
  await vi.waitFor(() => expect(panel.textContent).toContain('There is no such server.'));
  healthy = true;
  button(panel, 'Try again').click();
  await vi.waitFor(() => expect(rate(panel)).not.toBeNull());
});
