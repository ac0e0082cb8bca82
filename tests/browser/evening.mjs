// A whole evening in two servers that nobody has set up yet: their owners connect their channels and choose the panel's;
// the same two members link the same accounts in both; somebody tries what is another's; the streams come, and bring what
// they bring to whom they are about, in their own server alone.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { query, until } from '../support/guildhall.mjs';
import { overflow, violations } from './browser.mjs';
import { FreshBot } from './fresh_bot.mjs';
import { consentAtKick, invited, message, PANEL, proved, signedIn } from './platforms.mjs';

const SPEED = 40; // of what waits ten minutes of the world there are still 15 s
const SECONDS = 60;

/** Two servers with channels of their own, `{server, channel, owner, title}`; members and viewers whom both have. */
export function cast({ servers, users, kick_channels: channels }) {
  const closed = new Set(users.filter(({ bot, closed_messages: shut }) => bot || shut).map(({ id }) => id));
  const channelOf = ({ suggested_kick_channel: slug }) => channels.find((one) => one.slug === slug);
  const both = [servers[0], servers.find((one) => channelOf(one) !== channelOf(servers[0]))];
  const isIn = ({ members }, { id }) => members.some((member) => member.id === id);
  const places = both.map((server, index) => ({
    server,
    channel: channelOf(server),
    owner: server.members.find((member) => !closed.has(member.id) && !isIn(both[1 - index], member)),
    title: `An evening in ${server.name}`,
    general: server.channels.find(({ name }) => name === 'general').id,
    role: server.roles.find(({ name }) => name === 'Subscriber').id, // of none of them so far
  }));
  const watches = ({ channel }, { id }) => channel.viewers.some((viewer) => viewer.id === id);
  return {
    places,
    members: both[0].members.filter((member) => !closed.has(member.id) && member.id !== both[0].owner && isIn(both[1], member)),
    viewers: places[0].channel.viewers.filter((viewer) => !viewer.bot && watches(places[1], viewer)),
  };
}

async function choose(page, key, value) {
  await page.locator(`#${key}`).fill(value);
  await page.keyboard.press('Enter');
  await page.locator('li', { has: page.locator(`#${key}`) }).getByText('Set for this server').waitFor();
}

export function eveningTests(world) {
  describe('an evening in two servers', () => {
    const here = {};
    let bot;
    let places;
    let members;
    let viewers;

    before(async () => {
      await world.demo.act('/members/stop');
      bot = await FreshBot.start(SPEED);
      Object.assign(here, { browser: world.browser, demo: bot });
      ({ places, members, viewers } = cast(await bot.look('/world')));
      for (const { server, owner } of places) await bot.act('/discord/guild-update', { guild: server.id, owner: owner.id });
    });
    after(async () => {
      await bot?.stop();
      await world.demo.act('/members/start');
    });

    const rolesOf = async (index, { id }) => {
      const { servers } = await bot.look('/world');
      return servers.find((one) => one.id === places[index].server.id).members.find((member) => member.id === id).roles;
    };
    const pointsOf = async (index, { id }) => {
      const [row] = await query(bot.dataDir, `SELECT b.balance FROM balances b JOIN identities i ON i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id
        WHERE b.discord_server_id = ${places[index].server.id} AND i.platform = 'discord' AND i.platform_user_id = '${id}'`);
      return row?.balance ?? 0;
    };
    /** So often he was told in private that he is linked. */
    const told = ({ id }, times) =>
      until('a direct message', async () => {
        const messages = await bot.look(`/discord/messages?user=${id}`);
        return messages.filter(({ content }) => content.includes('is linked')).length === times;
      });
    const board = (page) => page.getByRole('table', { name: 'Most points' });

    for (const index of [0, 1]) {
      test(`its owner signs in, connects the channel and chooses the panel's (${index + 1})`, async (t) => {
        const { server, channel, owner, general } = places[index];
        const { visitor, page } = await signedIn(t, here, owner);
        await page.getByRole('link', { name: server.name }).click();
        await page.getByRole('button', { name: 'Connect Kick' }).click();
        await consentAtKick(page, channel);
        await page.waitForURL(new RegExp(`/servers/${server.id}`));
        await page.getByText('Connected to Kick as').waitFor();

        await page.getByRole('link', { name: 'Servers' }).click();
        await page.getByRole('link', { name: 'My channels' }).click();
        await page.getByRole('button', { name: `Withdraw from ${server.name}` }).waitFor();
        assert.deepEqual(await page.locator('main h2').allInnerTexts(), [channel.viewers[0].username]);

        await page.goto(`/servers/${server.id}/settings`);
        await page.locator('#link_panel_channel_id').waitFor();
        await choose(page, 'link_panel_channel_id', general);
        await choose(page, 'live_alert_channel_id', general);
        await page.locator('#live_alert_enabled').click();
        await message(bot, server, general, PANEL);
        visitor.calm();
      });

      test(`two members link from the panel, and one tries a taken account (${index + 1})`, async (t) => {
        const { server, general } = places[index];
        const panel = await message(bot, server, general, PANEL);
        for (const i of [0, 1]) {
          const { visitor, page } = await proved(t, here, await invited(bot, server, panel, members[i]), viewers[i]);
          await page.getByRole('heading', { name: `${viewers[i].username} is linked`, exact: true }).waitFor();
          if (i === 0) assert.deepEqual(await violations(page), []);
          await page.setViewportSize({ width: 360, height: 740 });
          assert.equal(await overflow(page), 0);
          await told(members[i], index + 1);
          visitor.calm();
        }
        const { page } = await proved(t, here, await invited(bot, server, panel, members[2]), viewers[0]);
        await page.getByRole('heading', { name: `${viewers[0].username} is linked to somebody else`, exact: true }).waitFor();
      });
    }

    // In each server another one of the two is there, so that what he has in the other one has crossed.
    test('streams begin: alert, points and a role come to who watches, and nothing of it to the other server', async (t) => {
      const pages = [];
      for (const [index, { server, channel, owner, role, title }] of places.entries()) {
        await bot.act('/discord/command', { guild: server.id, user: owner.id, name: 'roles-add', options: { role, minutes: 2 } });
        await bot.act('/kick/live', { slug: channel.slug, title });
        const { page } = await signedIn(t, here, owner, `/servers/${server.id}`);
        pages[index] = page;
      }
      const before = [await rolesOf(0, members[1]), await rolesOf(1, members[0])];
      const talk = setInterval(() => {
        for (const [index, { channel }] of places.entries())
          bot.act('/kick/chat', { slug: channel.slug, user: viewers[index].id, content: 'hello' }).catch(() => {});
      }, 250);
      t.after(() => clearInterval(talk));

      for (const [index, { server, general, role, title }] of places.entries()) {
        const alert = await message(bot, server, general, 'is live');
        assert.ok(JSON.stringify(alert).includes(title), JSON.stringify(alert));
        const [page, watcher] = [pages[index], members[index]];
        await page.bringToFront();
        await page.locator('main').getByText('Live', { exact: true }).waitFor();
        await board(page).getByText(watcher.username).waitFor({ timeout: SECONDS * 1000 });
        await until('the role', async () => (await rolesOf(index, watcher)).includes(role), SECONDS);
        assert.ok((await pointsOf(index, watcher)) > 0);
      }

      for (const [index, { server }] of places.entries()) {
        const foreigner = members[1 - index];
        assert.equal(await pointsOf(index, foreigner), 0);
        assert.deepEqual(await rolesOf(index, foreigner), before[index]);
        assert.equal(await board(pages[index]).getByText(foreigner.username).count(), 0);
        const messages = JSON.stringify(await bot.look(`/discord/messages?guild=${server.id}`));
        assert.ok(!messages.includes(places[1 - index].title) && !messages.includes(places[1 - index].channel.slug), messages);
      }
    });
  });
}
