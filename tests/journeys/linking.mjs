// A whole evening in two servers: their panels, members who link themselves, somebody who tries what is another's, a stream
// with its alert, watch time, points and a role; and nothing of it in the other server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { testedLayout } from '../support/layouts.mjs';
import { answered, link, title, Way } from '../support/linking.mjs';

const speed = 30; // a minute of the world is two seconds

let sim;
let bot;
let storage;
let world;
let api;

const one = 0;
let two; // listens to another channel than the first
const place = (index, name) => world.servers[index].channels.find((channel) => channel.name === name).id;
const said = (index, words) => until(`"${words}" in server ${index}`, async () => (await sim.get(`/discord/messages?guild=${world.servers[index].id}`)).findLast(({ content }) => content.includes(words)), 60);
const direct = (user, words) => until(`"${words}" for ${user}`, async () => (await sim.get(`/discord/messages?user=${user}`)).findLast(({ content }) => content.includes(words)), 60);
const set = async (index, key, value) => assert.equal((await bot.command('settings', 'set', '--server', world.servers[index].id, key, value)).code, 0, key);

/** Members who take direct messages and lead nothing, and viewers of the server's channel, who are no bots. */
function people(index) {
  const closed = new Set(world.users.filter(({ bot: program, closed_messages: shut }) => program || shut).map(({ id }) => id));
  const { owner, members, suggested_kick_channel: slug } = world.servers[index];
  const channel = world.kick_channels.find((candidate) => candidate.slug === slug);
  return {
    slug,
    members: members.filter(({ id }) => id !== owner && !closed.has(id)),
    viewers: channel.viewers.filter((viewer) => !viewer.bot && viewer.slug !== slug),
  };
}

const linkAt = (index, member, viewer) => link(sim, world.servers[index].id, member, viewer);

const linked = async (index) => (await storage.read(`SELECT d.platform_user_id AS member, k.platform_user_id AS viewer FROM identities k JOIN identities d
  ON d.discord_server_id = k.discord_server_id AND d.person_id = k.person_id AND d.platform = 'discord'
  WHERE k.discord_server_id = ${world.servers[index].id} AND k.platform = 'kick' AND k.person_id <> k.home_person_id`)).map(({ member, viewer }) => `${member}=${viewer}`).sort();

before(async () => {
  const clock = `${speed}:${Math.floor(Date.now() / 1000)}`;
  sim = await startSim(['--sim-clock', clock]);
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const dataDir = temporaryFolder();
  storage = await testedLayout().open({ dataDir });
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...storage.env }, args: ['--sim-clock', clock] });
  bot.begin();
  await bot.ready();
  world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  two = world.servers.findIndex(({ suggested_kick_channel: slug }) => slug !== world.servers[one].suggested_kick_channel);
  api = await bot.bindTo(world);
  for (const index of [one, two]) {
    await set(index, 'link_panel_channel_id', place(index, 'general'));
    await set(index, 'link_log_channel_id', place(index, 'raffles'));
    await set(index, 'live_alert_channel_id', place(index, 'general'));
    await set(index, 'live_alert_enabled', 'true');
  }
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

test('two members of each server link themselves, and are told so in private', async () => {
  for (const index of [one, two]) {
    const { members, viewers } = people(index);
    for (const i of [0, 1]) {
      const page = await linkAt(index, members[i].id, viewers[i]);
      assert.equal(title(page), `${viewers[i].username} is linked`);
      await direct(members[i].id, 'is linked');
    }
    await said(index, '✅');
    assert.deepEqual(await linked(index), [0, 1].map((i) => `${members[i].id}=${viewers[i].id}`).sort());
  }
});

test('a taken account stays its holder\'s, and the page does not say whose', async () => {
  for (const index of [one, two]) {
    const { members, viewers } = people(index);
    const page = await linkAt(index, members[2].id, viewers[0]);
    assert.equal(title(page), `${viewers[0].username} is linked to somebody else`);
    assert.ok(!page.text.includes(members[0].id) && !page.text.includes(members[0].username), page.text);
    await said(index, '⛔');
    assert.equal((await linked(index)).length, 2);
    const { json } = await api('GET', `/api/v1/servers/${world.servers[index].id}/audit`);
    assert.ok(json.rows.some(({ action }) => action === 'member.link_taken'));
  }
});

test('an address of one server opens nothing of another, and forged ones nothing at all', async () => {
  const { members } = people(one);
  const { url } = await Way.begin(sim, world.servers[one].id, members[2].id);
  const other = url.replace(`/link/${world.servers[one].id}.`, `/link/${world.servers[two].id}.`);
  assert.notEqual(other, url);
  for (const address of [other, `${url}x`, `${bot.url}/link/`, `${bot.url}/link/${'A'.repeat(2_000)}`])
    assert.equal((await http('GET', address)).status, 404, address);
});

const role = (index) => world.servers[index].roles[2].id; // below the bot's, and nobody's of those who link
const rolesOf = async (index, member) => (await sim.get('/world')).servers[index].members.find(({ id }) => id === member).roles;
const points = async (index, member) => (await storage.read(`SELECT b.balance FROM balances b JOIN identities i ON i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id
  WHERE b.discord_server_id = ${world.servers[index].id} AND i.platform = 'discord' AND i.platform_user_id = '${member}'`))[0]?.balance ?? 0;

/** What a stream brings: the one who watches has it, and the other one, who is linked just so, has nothing of it. */
async function evening(index, watching, absent) {
  const { slug, members, viewers } = people(index);
  const { id: guild, owner } = world.servers[index];
  const before = await rolesOf(index, members[absent].id);
  const { interaction } = await sim.post('/discord/command', { guild, user: owner, name: 'roles-add', options: { role: role(index), minutes: 1 } });
  await answered(sim, interaction);
  await sim.post('/kick/live', { slug, title: `An evening at ${slug}` });
  await said(index, 'is live');
  const talk = setInterval(() => sim.post('/kick/chat', { slug, user: viewers[watching].id, content: 'hello' }).catch(() => {}), 500);
  try {
    await until('points for the member', async () => (await points(index, members[watching].id)) > 0, 90);
    await until('his role', async () => (await rolesOf(index, members[watching].id)).includes(role(index)), 90);
  } finally {
    clearInterval(talk);
  }
  assert.equal(await points(index, members[absent].id), 0);
  assert.deepEqual(await rolesOf(index, members[absent].id), before);
}

// The same members have linked the same accounts in both. In each another one of them watches: what he has in the other one
// has crossed.
test('streams come: alert, watch time, points and a role, each in its own server', async () => {
  const [ones, twos] = [people(one), people(two)];
  for (const i of [0, 1]) assert.deepEqual([ones.members[i].id, ones.viewers[i].id], [twos.members[i].id, twos.viewers[i].id]);
  await Promise.all([evening(one, 0, 1), evening(two, 1, 0)]);
  for (const [index, other] of [[one, twos], [two, ones]]) {
    const told = JSON.stringify(await sim.get(`/discord/messages?guild=${world.servers[index].id}`));
    assert.ok(!told.includes(other.slug), told);
  }
});

test('a member undoes his link, and may link the same account again', async () => {
  const { members, viewers } = people(two);
  const { interaction } = await sim.post('/discord/command', { guild: world.servers[two].id, user: members[0].id, name: 'unlink' });
  assert.match((await answered(sim, interaction)).content, /is undone/);
  assert.equal((await linked(two)).length, 1);
  const page = await linkAt(two, members[0].id, viewers[0]);
  assert.equal(title(page), `${viewers[0].username} is linked`);
});
