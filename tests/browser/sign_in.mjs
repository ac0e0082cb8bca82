import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Visitor } from './browser.mjs';

export function signInTests(world) {
  test('the printed address signs in, and its code leaves the address bar', async () => {
    const page = await world.anna.open(world.demo.address);
    await page.getByRole('heading', { name: 'Servers' }).waitFor();
    assert.equal(page.url(), `${world.demo.url}/`);
    await page.goBack().catch(() => undefined);
    assert.doesNotMatch(page.url(), /code=/);
    world.anna.calm('401 GET /api/v1/session');
  });

  test('a code that was used is refused, and the page says why', async () => {
    const stranger = await Visitor.arrive(world);
    const page = await stranger.open(world.demo.address);
    await page.getByRole('alert').getByText('was used already').waitFor();
    assert.equal(page.url(), `${world.demo.url}/sign-in`);
    await page.goto('/');
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    stranger.calm('401 GET /api/v1/session', '401 POST /api/v1/session');
    await stranger.leave();
  });
}
