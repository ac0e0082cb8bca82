import { beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../api/error';
import type { Setting } from '../../api/types';
import { language } from '../../i18n/language.svelte';
import { changed, problemOf, SettingEdit } from './edit.svelte';

const RATE: Setting = {
  key: 'points_per_5min',
  type: 'integer',
  owner: 'points',
  value: '3',
  source: 'server',
  server_value: '3',
  fallback: '1',
  least: 0,
  most: 1000,
  choices: [],
  read_only: false,
  description: '',
};

function edit(answer: () => Promise<unknown> = () => Promise.resolve()) {
  const change = vi.fn((value: string | null, expected: string | null) =>
    answer().then(() => ({ key: RATE.key, before: expected, after: value })),
  );
  let present = $state.raw(RATE);
  const become = (setting: Setting) => (present = setting);
  return { change, become, edit: new SettingEdit(() => present, change) };
}

beforeEach(() => language.choose('en'));

describe('a value', () => {
  it.each(['0', '1000', ' 7 ', ''])('%o is right', (text) => {
    expect(problemOf(RATE, text)).toBeUndefined();
  });

  it.each(['-1', '1001', '1.5', '1e2', '0x10', 'many', '99999999999999999999'])('%o is not', (text) => {
    expect(problemOf(RATE, text)).toBe('Must be a whole number from 0 to 1,000.');
  });

  it('of text is as long as it may be', () => {
    const text: Setting = { ...RATE, type: 'text', least: null, most: 500 };
    expect(problemOf(text, 'x'.repeat(500))).toBeUndefined();
    expect(problemOf(text, 'x'.repeat(501))).toBe('At most 500 characters.');
  });
});

describe('an edit', () => {
  it('sends what was typed against what was seen', async () => {
    const { edit: one, change } = edit();
    one.type(' 5 ');
    expect(one.dirty).toBe(true);
    expect(await one.save()).toBe(true);
    expect(change).toHaveBeenCalledWith('5', '3');
    expect(one.dirty).toBe(false);
  });

  it('sends nothing that cannot be meant, and says why until it can', async () => {
    const { edit: one, change } = edit();
    one.type('-1');
    expect(one.problem).toBeUndefined();
    expect(await one.save()).toBe(false);
    expect(one.problem).toContain('whole number');
    one.type('4');
    expect(one.problem).toBeUndefined();
    expect(change).not.toHaveBeenCalled();
  });

  it('that is empty, or a reset, goes back to the default', async () => {
    const { edit: one, change } = edit();
    one.type('');
    await one.save();
    await one.reset();
    expect(change.mock.calls).toEqual([
      [null, '3'],
      [null, '3'],
    ]);
  });

  it("shows the server's refusal and keeps what was typed", async () => {
    const refusal = new ApiError('invalid', 'points_per_5min: must not be 13');
    const { edit: one } = edit(() => Promise.reject(refusal));
    one.type('13');
    expect(await one.save()).toBe(false);
    expect(one.problem).toBe('Must not be 13.');
    expect(one.shown).toBe('13');
    one.cancel();
    expect([one.shown, one.problem]).toEqual(['3', undefined]);
  });

  it('goes on when more is typed while it is being saved', async () => {
    const { edit: one, become, change } = edit();
    one.type('5');
    const saved = one.save();
    one.type('56');
    become(changed(RATE, '5'));
    await saved;
    expect([one.shown, one.dirty, one.conflict]).toEqual(['56', true, false]);
    await one.save();
    expect(change).toHaveBeenLastCalledWith('56', '5');
  });

  it('that is saved again while it is being saved follows by itself', async () => {
    const { edit: one, change } = edit();
    one.type('5');
    const first = one.save();
    one.type('56');
    expect(await Promise.all([one.save(), first])).toEqual([true, true]);
    expect(change.mock.calls).toEqual([
      ['5', '3'],
      ['56', '5'],
    ]);
    expect([one.dirty, one.busy]).toEqual([false, false]);
  });

  it('is not sent behind one that was refused', async () => {
    const { edit: one, change } = edit(() => Promise.reject(new ApiError('forbidden', 'not yours')));
    one.type('5');
    const first = one.save();
    one.type('56');
    expect(await Promise.all([one.save(), first])).toEqual([false, false]);
    expect(change).toHaveBeenCalledTimes(1);
    expect(one.shown).toBe('56');
  });

  it('is sent once, however often the button is pressed', async () => {
    const { edit: one, change } = edit();
    one.type('5');
    await Promise.all([one.save(), one.save()]);
    expect(change).toHaveBeenCalledTimes(1);
  });
});

describe('a conflict', () => {
  it('shows when the value changes under the hands', () => {
    const { edit: one, become } = edit();
    one.type('5');
    expect(one.conflict).toBe(false);
    become(changed(RATE, '9'));
    expect(one.conflict).toBe(true);
    expect(one.mine).toBe('5');
    one.type('6');
    expect(one.conflict).toBe(true);
  });

  it('is none when the other has set the same', () => {
    const { edit: one, become } = edit();
    one.type('5');
    become(changed(RATE, '5'));
    expect(one.conflict).toBe(false);
    expect(one.dirty).toBe(false);
  });

  it('that the server noticed first keeps the edit and calls nothing wrong', async () => {
    const { edit: one, become } = edit(() => Promise.reject(new ApiError('conflict', 'somebody was first')));
    one.type('5');
    expect(await one.save()).toBe(false);
    become(changed(RATE, '9'));
    expect(one.conflict).toBe(true);
    expect(one.problem).toBeUndefined();
  });

  it('is won against the value that is known now, or given up', async () => {
    const { edit: one, become, change } = edit();
    one.type('5');
    become(changed(RATE, null));
    await one.insist();
    expect(change).toHaveBeenCalledWith('5', null);
    one.type('6');
    one.cancel();
    expect(one.shown).toBe('1');
  });
});
