// A whole evening in two servers: their panels, members who link themselves, somebody who tries what is another's, a stream
// with its alert, watch time, points and a role; and nothing of it in the other server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { testedLayout } from '../support/layouts.mjs';

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

/** What somebody's press or command was answered. */
async function answered(interaction) {
  const record = await until('an answer', async () => {
    const [found] = await sim.get(`/discord/interactions?id=${interaction}`);
    return found.answer?.content ? found : null;
  });
  return record.answer;
}

/** The member presses the panel's button and goes where it leads; a browser of his own, without a script. */
async function visit(index, member) {
  const panel = await said(index, 'Link your Kick account');
  const [{ components: [button] }] = panel.components;
  const { interaction } = await sim.post('/discord/click', { guild: world.servers[index].id, message: panel.id, user: member, custom_id: button.custom_id });
  const answer = await answered(interaction);
  assert.equal(answer.flags & 64, 64, 'everybody sees the address');
  const { url } = answer.components[0].components[0];
  const page = await http('GET', url);
  assert.equal(page.status, 200, page.text);
  return { url, page, cookie: page.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ') };
}
const form = (page) => `key=${/name="key" value="([^"]+)"/.exec(page.text)[1]}&do=${/name="do" value="([^"]+)"/.exec(page.text)[1]}`;
const press = ({ url, page, cookie }) => http('POST', url, form(page), { cookie, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' });
const title = (page) => /<h1>(.*?)<\/h1>/.exec(page.text)[1];

/** From the panel to Kick and back as that viewer: the page that he ends on, and how it was reached. */
async function link(index, member, viewer) {
  const visitor = await visit(index, member);
  const onward = await press(visitor);
  const address = /url=([^"]+)"/.exec(onward.text)[1].replaceAll('&amp;', '&');
  assert.equal(new URL(address).searchParams.get('scope'), 'user:read');
  const consent = await http('GET', `${address}&as=${viewer.slug}`);
  const back = await http('GET', consent.headers.get('location'), undefined, { cookie: visitor.cookie });
  assert.equal(bot.url + back.headers.get('location'), visitor.url);
  const page = await http('GET', visitor.url, undefined, { cookie: visitor.cookie });
  return { ...visitor, page };
}

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
      const { page } = await link(index, members[i].id, viewers[i]);
      assert.equal(title(page), `${viewers[i].username} is linked`);
      await direct(members[i].id, 'is linked');
    }
    await said(index, '✅');
    assert.deepEqual(await linked(index), [0, 1].map((i) => `${members[i].id}=${viewers[i].id}`).sort());
  }
});

test('a taken account stays its holder\'s, and the page does not say whose', async () => {
  const { members, viewers } = people(one);
  const { page } = await link(one, members[2].id, viewers[0]);
  assert.equal(title(page), `${viewers[0].username} is linked to somebody else`);
  assert.ok(!page.text.includes(members[0].id) && !page.text.includes(members[0].username), page.text);
  await said(one, '⛔');
  assert.equal((await linked(one)).length, 2);
  const { json } = await api('GET', `/api/v1/servers/${world.servers[one].id}/audit`);
  assert.ok(json.rows.some(({ action }) => action === 'member.link_taken'));
});

test('an address of one server opens nothing of another, and forged ones nothing at all', async () => {
  const { members } = people(one);
  const { url } = await visit(one, members[2].id);
  const other = url.replace(`/link/${world.servers[one].id}.`, `/link/${world.servers[two].id}.`);
  assert.notEqual(other, url);
  for (const address of [other, `${url}x`, `${bot.url}/link/`, `${bot.url}/link/${'A'.repeat(2_000)}`])
    assert.equal((await http('GET', address)).status, 404, address);
});

test('a stream comes: alert, watch time, points and a role, each in its own server', async () => {
  const { slug, members, viewers } = people(one);
  const { id: guild, owner, roles } = world.servers[one];
  const role = roles[2].id; // below the bot's, and nobody's so far
  const { interaction } = await sim.post('/discord/command', { guild, user: owner, name: 'roles-add', options: { role, minutes: 1 } });
  await answered(interaction);
  await sim.post('/kick/live', { slug, title: 'An evening' });
  await said(one, 'is live');
  const talk = setInterval(() => sim.post('/kick/chat', { slug, user: viewers[0].id, content: 'hello' }).catch(() => {}), 500);
  try {
    const points = async () => (await storage.read(`SELECT b.balance FROM balances b JOIN identities i ON i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id
      WHERE b.discord_server_id = ${guild} AND i.platform = 'discord' AND i.platform_user_id = '${members[0].id}'`))[0]?.balance ?? 0;
    await until('points for the member', async () => (await points()) > 0, 90);
    await until('his role', async () => {
      const { servers } = await sim.get('/world');
      return servers[one].members.find(({ id }) => id === members[0].id).roles.includes(role);
    }, 90);
  } finally {
    clearInterval(talk);
  }
  const elsewhere = await sim.get(`/discord/messages?guild=${world.servers[two].id}`);
  assert.ok(!elsewhere.some(({ content }) => content.includes('An evening')));
});

test('a member undoes his link, and may link the same account again', async () => {
  const { members, viewers } = people(two);
  const { interaction } = await sim.post('/discord/command', { guild: world.servers[two].id, user: members[0].id, name: 'unlink' });
  assert.match((await answered(interaction)).content, /is undone/);
  assert.equal((await linked(two)).length, 1);
  const { page } = await link(two, members[0].id, viewers[0]);
  assert.equal(title(page), `${viewers[0].username} is linked`);
});
