import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/guildhall.mjs';
import { countNavigations, figure } from './browser.mjs';

const CHANGES = 9;

export function liveTests(world) {
  test('what happens on the platforms shows by itself', async () => {
    const page = await world.anna.open(`/servers/${world.servers[0].id}`);
    const watched = figure(page, 'Watched in all');
    const newest = page.getByRole('log', { name: 'Recent events' }).locator('li .what').first();
    await newest.waitFor();
    const before = [await watched.innerText(), await newest.innerText()];
    const navigations = countNavigations(page);
    await until('watch time to grow', async () => (await watched.innerText()) !== before[0]);
    await until('a new event', async () => (await newest.innerText()) !== before[1]);
    assert.equal(navigations(), 0);
    world.anna.calm();
  });

  test('a setting that the command line changes shows by itself', async () => {
    const server = world.servers[1].id;
    const overview = await world.anna.open(`/servers/${server}`);
    const settings = await world.anna.open(`/servers/${server}/settings`);
    await overview.getByText('Command prefix').waitFor();
    const navigations = [overview, settings].map(countNavigations);
    await settings.locator('#command_prefix').waitFor();
    await world.demo.set(server, 'command_prefix', '?');
    await until('the field to follow', async () => (await settings.locator('#command_prefix').inputValue()) === '?');
    // Pages in the background catch up when they are looked at.
    await overview.bringToFront();
    await until('the overview to follow', async () => (await figure(overview, 'Command prefix').innerText()) === '?');
    assert.deepEqual(
      navigations.map((count) => count()),
      [0, 0],
    );
    world.anna.calm();
  });

  test('a change made in another browser is measured', async (t) => {
    const path = `/servers/${world.servers[1].id}/settings`;
    const [mine, theirs] = [await world.anna.open(path), await world.ben.open(path)];
    const times = [];
    for (let value = 1; value <= CHANGES; value += 1) {
      await mine.locator('#sub_points_per_5min').fill(String(10 + value));
      const seen = theirs.waitForFunction(
        (wanted) => document.querySelector('#sub_points_per_5min')?.value === wanted && Date.now(),
        String(10 + value),
      );
      const pressed = Date.now();
      await mine.keyboard.press('Enter');
      times.push((await (await seen).jsonValue()) - pressed);
    }
    times.sort((a, b) => a - b);
    t.diagnostic(
      `from Enter to the other browser's page: median ${times[(CHANGES - 1) / 2]} ms, slowest ${times.at(-1)} ms of ${CHANGES}`,
    );
    world.anna.calm();
    world.ben.calm();
  });
}
