// People of the simulated Discord sign in with it, each in a browser of their own, and find what they may there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { overflow, violations } from './browser.mjs';
import { atDiscord, signedIn } from './platforms.mjs';

const KEY = 'points_per_5min';
const NAME = 'Points per 5 minutes';

const row = (page, key) => page.locator('li', { has: page.locator(`#${key}`) });
const names = (page) => page.locator('main li h2').allInnerTexts();
const listed = (page, server) => page.getByRole('heading', { level: 2, name: server.name }).waitFor();

export function discordSignInTests(world) {
  const taken = new Set();

  /** Somebody else each time, who is in this server only, without a role. */
  const newMember = async ({ servers, users }, home) => {
    const free = ({ id, bot }) => !bot && !taken.has(id) && servers.every(({ owner }) => owner !== id);
    const user = users.find(free);
    taken.add(user.id);
    for (const { id, members } of servers)
      if (members.some((member) => member.id === user.id))
        await world.demo.act('/discord/member-leave', { guild: id, user: user.id });
    await world.demo.act('/discord/member-join', { guild: home.id, user: user.id });
    return user;
  };

  /** The people as they are; while a test is about them they neither come nor go. */
  const rest = async (t) => {
    await world.demo.act('/members/stop');
    t.after(() => world.demo.act('/members/start'));
    return world.demo.look('/world');
  };

  test('the owner of a server finds it, changes a setting, and stands in the audit trail', async (t) => {
    const places = await rest(t);
    const [, server] = places.servers;
    const owner = await newMember(places, server);
    await world.demo.act('/discord/guild-update', { guild: server.id, owner: owner.id });

    const { visitor, page } = await signedIn(t, world, owner);
    await listed(page, server);
    assert.deepEqual(await names(page), [server.name]);
    await page.getByRole('banner').getByText(owner.username).waitFor();
    assert.equal(await page.getByRole('link', { name: 'Look again' }).getAttribute('href'), '/auth/discord/start?to=%2F');

    await page.getByRole('link', { name: server.name }).click();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.locator(`#${KEY}`).fill('6');
    await row(page, KEY).getByRole('button', { name: 'Save' }).click();
    await page.getByText(`Saved: ${NAME}`, { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Audit trail' }).click();
    const newest = page.locator('tbody tr').first();
    await newest.getByText(KEY).waitFor();
    const [, who, , , after] = await newest.locator('td').allInnerTexts();
    assert.ok(who.includes(`discord:${owner.id}`) && who.includes(owner.username), who);
    assert.match(who, /Dashboard/);
    assert.equal(after, '6');
    visitor.calm();

    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await page.goto(`/servers/${server.id}/settings`);
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    // What the page was asking when it was signed out.
    const below = ['', `/${server.id}`, `/${server.id}/audit`].map((path) => `401 GET /api/v1/servers${path}`);
    visitor.calm('401 GET /api/v1/session', '401 GET /api/v1/events', ...below);
  });

  test('a member without rights is told which servers appear, and opens none', async (t) => {
    const places = await rest(t);
    const [home] = places.servers;
    const { visitor, page } = await signedIn(t, world, await newMember(places, home));
    await page.getByText('There is no server here yet that you may open.').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Look again' }).count(), 1);
    assert.deepEqual(await violations(page), []);
    await page.setViewportSize({ width: 360, height: 780 });
    assert.equal(await overflow(page), 0);
    visitor.calm();
    await page.goto(`/servers/${home.id}`);
    await page.getByText(`There is no server ${home.id}.`).waitFor();
    assert.equal(await page.getByText(home.name).count(), 0);
    visitor.calm(`404 GET /api/v1/servers/${home.id}`);
  });

  test('who cancels at Discord comes back to the page, is told so, and can sign in after all', async (t) => {
    const { visitor, page } = await atDiscord(t, world, '/');
    await page.getByRole('link', { name: 'Cancel' }).click();
    await page.getByRole('alert').getByText('The sign-in was cancelled at Discord.').waitFor();
    assert.equal(page.url(), `${world.demo.url}/sign-in`);
    assert.deepEqual(await violations(page), []);
    visitor.calm('401 GET /api/v1/session');
    const [server] = (await world.demo.look('/world')).servers;
    await page.getByRole('link', { name: 'Sign in with Discord' }).click();
    await page.locator(`a[href*="as=${server.owner}"]`).click();
    await listed(page, server);
    visitor.calm();
  });

  for (const [who, admit] of [
    // May manage the server at Discord, which is not enough to change it here.
    ['a moderator', (server) => ({ roles: [server.roles.find(({ name }) => name === 'Moderator').id] })],
    [
      'a holder of a role that was chosen for the dashboard',
      async (server) => {
        const { id } = server.roles.find(({ name }) => name === 'Regular');
        await world.demo.set(server.id, 'dashboard_roles', id);
        return { roles: [id] };
      },
    ],
  ]) {
    test(`${who} comes to the page that he wanted, and only looks`, async (t) => {
      const places = await rest(t);
      const [, , server] = places.servers;
      const person = await newMember(places, server);
      await world.demo.act('/discord/member-update', { guild: server.id, user: person.id, ...(await admit(server)) });

      const { visitor, page } = await signedIn(t, world, person, `/servers/${server.id}/settings`);
      await page.getByText('You may look at these settings').waitFor();
      await row(page, KEY).waitFor();
      assert.equal(await page.locator('main :is(button, input, select)').count(), 0);
      assert.deepEqual(await violations(page), []);
      await page.setViewportSize({ width: 360, height: 780 });
      assert.equal(await overflow(page), 0);
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('heading', { name: 'Most points' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Connect Kick' }).count(), 0);
      await page.getByRole('link', { name: 'Servers' }).click();
      await listed(page, server);
      assert.deepEqual(await names(page), [server.name]);
      visitor.calm();
    });
  }
}
