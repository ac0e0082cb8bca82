import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/guildhall.mjs';
import { countNavigations } from './browser.mjs';

const KEY = 'points_per_5min';

export function outageTests(world) {
  test('signing out in one tab ends the other', async () => {
    const [one, other] = [await world.ben.open('/'), await world.ben.open(`/servers/${world.servers[0].id}`)];
    await other.getByRole('heading', { name: 'Most points' }).waitFor();
    await one.getByRole('button', { name: 'Sign out' }).click();
    await one.getByRole('heading', { name: 'Sign in' }).waitFor();
    await other.getByRole('heading', { name: 'Sign in' }).waitFor();
    assert.equal(await other.getByRole('heading', { name: 'Most points' }).count(), 0);
    await world.ben.leave();
  });

  test('a stopped bot is said on the page, which goes on by itself when the bot is back', async () => {
    const { anna, demo } = world;
    const server = world.servers[2].id;
    const page = await anna.open(`/servers/${server}/settings`);
    await page.locator(`#${KEY}`).waitFor();
    anna.calm();
    const navigations = countNavigations(page);
    const banner = page.getByText('Connection lost. Reconnecting…');
    assert.equal(await banner.count(), 0);
    await demo.stop();
    await banner.waitFor();
    await page.locator(`#${KEY}`).fill('77');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not answer.').waitFor();
    await page.keyboard.press('Escape');
    await demo.set(server, KEY, '51');
    await demo.begin();
    await banner.waitFor({ state: 'detached', timeout: 30_000 });
    await until('what changed meanwhile', async () => (await page.locator(`#${KEY}`).inputValue()) === '51');
    assert.equal(navigations(), 0);
    anna.calm();
  });
}
