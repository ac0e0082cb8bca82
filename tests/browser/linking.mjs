// What stands between a member and what is another's: accounts that are taken, and addresses that were sent on. How linking
// goes well is part of evening.mjs.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { query } from '../support/guildhall.mjs';
import { Visitor } from './browser.mjs';
import { buttonsOf, direct, invited, message, PANEL, proved } from './platforms.mjs';

export function linkingTests(world) {
  /** Members of a server who take direct messages, and viewers of its channel; the demo has linked none of them. */
  const people = async (index) => {
    const places = await world.demo.look('/world');
    const server = places.servers[index];
    const linked = new Set((await query(world.demo.dataDir, `SELECT a.platform_user_id AS id, a.name FROM identities a JOIN identities k ON
      k.discord_server_id = a.discord_server_id AND k.person_id = a.person_id AND k.person_id <> k.home_person_id
      WHERE a.discord_server_id = ${server.id}`)).flatMap(({ id, name }) => [id, name]));
    const open = new Set(places.users.filter(({ bot, closed_messages: closed }) => !bot && !closed).map(({ id }) => id));
    const channel = places.kick_channels.find(({ slug }) => slug === server.suggested_kick_channel);
    return {
      server,
      members: server.members.filter(({ id }) => open.has(id) && id !== server.owner && !linked.has(id)),
      viewers: channel.viewers.filter(({ id, username, bot, slug }) => !bot && slug !== channel.slug && !linked.has(id) && !linked.has(username)),
    };
  };
  const panelOf = async (server) => {
    const { id } = server.channels.find(({ type }) => (type ?? 0) === 0);
    await world.demo.set(server.id, 'link_panel_channel_id', id);
    return message(world.demo, server, id, PANEL);
  };

  /** Nobody comes or goes meanwhile. */
  const rest = async (t) => {
    await world.demo.act('/members/stop');
    t.after(() => world.demo.act('/members/start'));
  };

  test('who proves an account of somebody else is not told whose, may ask for it, and its holder keeps it', async (t) => {
    await rest(t);
    const { server, members, viewers } = await people(0);
    const panel = await panelOf(server);
    const first = await proved(t, world, await invited(world.demo, server, panel, members[0]), viewers[0]);
    await first.page.getByRole('heading', { name: /is linked$/ }).waitFor();
    const { page } = await proved(t, world, await invited(world.demo, server, panel, members[1]), viewers[0]);
    await page.getByRole('heading', { name: /is linked to somebody else/ }).waitFor();
    const said = await page.locator('main').innerText();
    const names = [members[0].id, members[0].username].filter((name) => name !== viewers[0].username);
    for (const name of names) assert.ok(!said.includes(name), said);
    await page.getByRole('button', { name: /Ask for/ }).click();
    await page.getByRole('heading', { name: /You have asked for/ }).waitFor();

    const told = await direct(world.demo, members[0], 'Somebody has proved');
    const holder = await Visitor.arrive(world);
    t.after(() => holder.leave());
    const objection = await holder.open(buttonsOf(told)[0].url);
    await objection.getByRole('button', { name: 'Keep it mine' }).click();
    await objection.getByRole('heading', { name: /this is decided/ }).waitFor();
    await direct(world.demo, members[1], 'has objected');
    holder.calm();
  });

  test('an address that was sent on is of no use in another browser, nor on a page of another site', async (t) => {
    await rest(t);
    const { server, members, viewers } = await people(0);
    const address = await invited(world.demo, server, await panelOf(server), members[0]);
    const own = await Visitor.arrive(world);
    const other = await Visitor.arrive(world);
    t.after(() => Promise.all([own.leave(), other.leave()]));
    const page = await own.open(address);
    await page.getByRole('button', { name: /go on to Kick/ }).click();
    await page.getByRole('heading', { name: 'Simulated Kick' }).waitFor();
    const late = await other.open(address);
    await late.getByRole('heading', { name: 'This page belongs to another browser' }).waitFor();

    // The attacker's way on from Kick, in the victim's browser.
    const way = await page.locator(`a[href*="as=${viewers[0].slug}"]`).first().getAttribute('href');
    const callback = await own.context.request.get(new URL(way, page.url()).href, { maxRedirects: 0 });
    await late.goto(callback.headers().location);
    await late.getByRole('heading', { name: 'That took too long' }).waitFor();
    other.problems = [];

    // A page of somebody else's that sends the form.
    const hostile = await other.context.newPage();
    await hostile.route('https://evil.example/**', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<form method="post" action="${address}"><input name="do" value="continue"></form><script>document.forms[0].submit()</script>` }));
    await hostile.goto('https://evil.example/');
    await hostile.getByRole('heading', { name: 'Please press the button on the page itself' }).waitFor();
    other.problems = [];
  });
}
