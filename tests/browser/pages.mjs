import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overflow, violations, Visitor } from './browser.mjs';

/** Every page of a signed-in person: its path, and what stands on it when it is all there. */
function pagesOf({ servers }) {
  const server = `/servers/${servers[0].id}`;
  return [
    { path: '/', complete: 'main li' },
    { path: server, complete: '.uplot' },
    { path: `${server}/settings`, complete: '#watchtime_excluded' },
    { path: `${server}/audit`, complete: 'tbody tr' },
    { path: '/channels', complete: '.scopes li' },
    { path: '/setup', complete: 'main li' },
    { path: '/nowhere', complete: 'h1' },
  ];
}

async function visit(page, { path, complete }) {
  await page.goto(path);
  await page.locator(complete).first().waitFor();
}

export function pageTests(world) {
  test('an unknown address and an unknown server say so', async () => {
    const page = await world.anna.open('/nowhere/at/all');
    await page.getByRole('heading', { name: 'Page not found' }).waitFor();
    world.anna.calm();
    await page.goto('/servers/123');
    await page.getByText('There is no server 123.').waitFor();
    await page.getByRole('link', { name: 'Servers' }).click();
    await page.getByRole('heading', { name: 'Servers' }).waitFor();
    world.anna.calm('404 GET /api/v1/servers/123');
  });

  for (const colorScheme of ['light', 'dark']) {
    test(`axe finds nothing on any page (${colorScheme})`, async () => {
      const page = await world.anna.open('/');
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      for (const one of pagesOf(world)) {
        await visit(page, one);
        assert.deepEqual(await violations(page), [], one.path);
      }
      await page.getByRole('button', { name: 'Preferences' }).click();
      await page.getByRole('dialog').waitFor();
      assert.deepEqual(await violations(page), [], 'preferences');
      world.anna.calm();

      const stranger = await Visitor.arrive(world);
      const door = await stranger.open('/');
      await door.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await door.getByText('Sign in with a code').click();
      await door.locator('#code').waitFor();
      assert.deepEqual(await violations(door), [], 'sign-in');
      stranger.calm('401 GET /api/v1/session');
      await stranger.leave();
    });
  }

  for (const language of ['en', 'de']) {
    test(`nothing sticks out of a phone on any page (${language})`, async () => {
      const page = await world.anna.open('/');
      await page.evaluate((chosen) => localStorage.setItem('guildhall.language', chosen), language);
      await page.setViewportSize({ width: 360, height: 780 });
      for (const one of pagesOf(world)) {
        await visit(page, one);
        assert.equal(await page.locator('html').getAttribute('lang'), language);
        assert.equal(await overflow(page), 0, one.path);
      }
      await page.evaluate(() => localStorage.removeItem('guildhall.language'));
      world.anna.calm();

      const stranger = await Visitor.arrive(world, { locale: language, viewport: { width: 360, height: 780 } });
      const door = await stranger.open('/');
      await door.locator('summary').click();
      await door.locator('#code').waitFor();
      assert.equal(await door.locator('html').getAttribute('lang'), language);
      assert.equal(await overflow(door), 0, 'sign-in');
      await stranger.leave();
    });
  }
}
