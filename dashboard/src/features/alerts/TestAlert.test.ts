import { describe, expect, it } from 'vitest';

import { button, failure, render, serve } from '../../testing';
import TestAlert from './TestAlert.svelte';

describe('the test of live alerts', () => {
  it('is asked for once', async () => {
    const calls = serve(() => ({ body: {} }));
    const page = render(TestAlert, { server: '7' });
    const press = button(page, 'Post a test');
    press.click();
    press.click();
    await expect.poll(() => press.disabled).toBe(false);
    expect(calls.map((call) => `${call.method} ${call.path}`)).toEqual([
      'POST /api/v1/servers/7/live-alert/test',
    ]);
  });

  it('can be asked for again when it was refused', async () => {
    serve(() => failure(400, 'invalid'));
    const page = render(TestAlert, { server: '7' });
    const press = button(page, 'Post a test');
    press.click();
    await expect.poll(() => press.disabled).toBe(false);
  });
});
