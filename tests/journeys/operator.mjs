// An operator's day with a real process beside simulated platforms.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, run, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { testedLayout } from '../support/layouts.mjs';

let sim;
let bot;
let storage;
let world;
let api;

const [first, second] = [0, 1];
const server = (index) => world.servers[index];
const viewersOf = (slug) => world.kick_channels.find((channel) => channel.slug === slug).viewers.filter((viewer) => !viewer.bot && viewer.slug !== slug);

/** A member runs a command in Discord; the text of the answer. */
async function slash(guild, user, name, options = {}) {
  const { interaction } = await sim.post('/discord/command', { guild, user, name, options });
  const record = await until(`an answer to /${name}`, async () => {
    const [found] = await sim.get(`/discord/interactions?id=${interaction}`);
    return found.answer && found.answer.content !== '' ? found : null;
  });
  return record.answer.content;
}

/** A viewer writes in chat, and sooner or later a line like that stands there. */
async function chat(slug, user, content, expected) {
  const before = (await sim.get(`/kick/chat?slug=${slug}`)).length;
  await sim.post('/kick/chat', { slug, user, content });
  await until(`${expected} in chat`, async () => (await sim.get(`/kick/chat?slug=${slug}`)).slice(before).some((line) => expected.test(line.content)));
}

const setting = async (index, key) => (await api('GET', `/api/v1/servers/${server(index).id}/settings`)).json.settings.find((one) => one.key === key);
const balance = async (index, member) =>
  (await bot.query(`SELECT b.balance FROM balances b JOIN identities i ON i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id
    WHERE b.discord_server_id = ${server(index).id} AND i.platform = 'discord' AND i.platform_user_id = '${member}'`))[0]?.balance ?? 0;

before(async () => {
  sim = await startSim();
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const dataDir = temporaryFolder();
  storage = await testedLayout().open({ dataDir });
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...storage.env } });
  bot.query = storage.read;
  bot.begin();
  await bot.ready();
  world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  api = await bot.bindTo(world);
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

test('a setting changed beside the running bot is in effect, is audited, and can be taken back', async () => {
  const { id, owner } = server(first);
  const set = await bot.command('settings', 'set', '--server', id, 'language', 'de');
  assert.equal(set.code, 0, set.stderr);
  await until('the bot to speak German', async () => /Punkte/.test(await slash(id, owner, 'points')));
  assert.match(await slash(server(second).id, owner, 'points'), /points/i);
  const { json } = await api('GET', `/api/v1/servers/${id}/audit`);
  assert.ok(JSON.stringify(json).includes('language'), 'the change is in the audit log');
  assert.equal((await bot.command('settings', 'unset', '--server', id, 'language')).code, 0);
  await until('the bot to speak English', async () => /points/i.test(await slash(id, owner, 'points')));
});

test('a sign-in code leads to where the bot listens', async () => {
  const { url, code } = await bot.commandJson('login-code');
  assert.equal(url, `${bot.url}/sign-in?code=${code}`);
});

test('a default of the operator reaches every server that has not set its own', async () => {
  await bot.command('settings', 'set', '--global', 'points_per_5min', '9');
  await until('the default', async () => (await setting(second, 'points_per_5min')).value === '9');
  await bot.command('settings', 'set', '--server', server(first).id, 'points_per_5min', '4');
  await until('the own value', async () => (await setting(first, 'points_per_5min')).value === '4');
  assert.equal((await setting(second, 'points_per_5min')).value, '9');
  await bot.command('settings', 'unset', '--global', 'points_per_5min');
  await until('the built-in value', async () => (await setting(second, 'points_per_5min')).value === '1');
});

test('an administrator gives and takes points; nobody else can', async () => {
  const { id, owner, members } = server(first);
  const taker = members[2];
  const giver = members.at(-1);
  assert.match(await slash(id, owner, 'points-add', { user: taker.id, amount: 250, reason: 'raid' }), /got 250 points and now has 250/);
  assert.match(await slash(id, owner, 'points-remove', { user: taker.id, amount: 50, reason: 'mistake' }), /200/);
  assert.equal(await balance(first, taker.id), 200);
  assert.equal(await balance(second, taker.id), 0, 'the same member of another server has nothing of it');
  const ledger = await bot.query(`SELECT amount, balance_after, reason FROM ledger WHERE discord_server_id = ${id} ORDER BY entry_no`);
  assert.deepEqual(ledger, [{ amount: 250, balance_after: 250, reason: 'raid' }, { amount: -50, balance_after: 200, reason: 'mistake' }]);
  assert.match(await slash(id, owner, 'points-remove', { user: taker.id, amount: 201, reason: 'too much' }), /only 200 points/);
  assert.match(await slash(id, giver.id, 'points-add', { user: giver.id, amount: 5, reason: 'me' }), /administrators/i);
  assert.equal(await balance(first, giver.id), 0);
});

test('a link makes viewer and member one person, and undoing it takes back exactly that', async () => {
  const { id, owner, suggested_kick_channel: slug, members } = server(first);
  const [viewer] = viewersOf(slug);
  const member = members[3].id;
  await sim.post('/kick/chat', { slug, user: viewer.id, content: 'hello' });
  await until('the viewer to be known', async () => (await bot.query(`SELECT 1 FROM identities WHERE discord_server_id = ${id} AND platform = 'kick' AND platform_user_id = '${viewer.id}'`)).length === 1);
  await slash(id, owner, 'points-add', { user: member, amount: 40, reason: 'before' });
  const linked = await bot.command('member', 'link', '--server', id, member, 'kick', viewer.username);
  assert.equal(linked.code, 0, linked.stderr);
  await chat(slug, viewer.id, '!points', /40/);
  assert.equal((await bot.command('member', 'link', '--server', id, members[4].id, 'kick', viewer.username)).code, 1);
  assert.equal((await bot.command('member', 'unlink', '--server', id, member, 'kick')).code, 0);
  assert.equal(await balance(first, member), 40);
  assert.match((await bot.command('member', 'unlink', '--server', id, member, 'kick')).stderr, /no kick link/);
});

test('one channel, two servers: the answer in chat names each server', async () => {
  const shared = server(first).suggested_kick_channel;
  assert.equal(server(second).suggested_kick_channel, shared);
  await sim.post('/kick/chat', { slug: shared, user: viewersOf(shared)[3].id, content: '!points' });
  await until('both answers', async () => {
    const lines = (await sim.get(`/kick/chat?slug=${shared}`)).map(({ content }) => content);
    return [first, second].every((index) => lines.some((line) => line.startsWith(`[${server(index).name}]`)));
  });
});

test('commands in messages answer like slash commands', async () => {
  const { id, channels, members } = server(2);
  const place = channels.find(({ name }) => name === 'bot-commands').id;
  await sim.post('/discord/message', { guild: id, channel: place, user: members[2].id, content: '!leaderboard points 3' });
  await until('an answer', async () => (await sim.get(`/discord/messages?guild=${id}&channel=${place}`)).some(({ author, content }) => author.bot && content.length > 0));
});

test('a server\'s owner signs in by Discord and changes it; a member sees what its administrators let him see', async () => {
  const { id, owner, members, roles } = server(first);
  const { where, session, api: asOwner } = await bot.signInByDiscord(owner, `/servers/${id}/settings`);
  assert.equal(where, `/servers/${id}/settings`);
  assert.equal(session.principal, `discord:${owner}`);
  assert.equal(session.operator, false);
  const own = (await asOwner('GET', '/api/v1/servers')).json.servers;
  assert.ok(own.length > 0 && own.length <= 3);
  assert.equal(own.find((one) => one.id === id).access, 'owner');
  const change = (call, value, expected) => call('PUT', `/api/v1/servers/${id}/settings/points_per_5min`, { value, expected });
  assert.equal((await change(asOwner, '7', '4')).status, 200);
  const { json } = await asOwner('GET', `/api/v1/servers/${id}/audit`);
  assert.equal(json.rows[0].actor, `discord:${owner}`);

  const role = roles.find(({ name }) => name === 'Regular');
  const member = members.find((one) => one.id !== owner && one.roles.includes(role.id) && one.roles.length === 1);
  const { api: asMember } = await bot.signInByDiscord(member.id);
  assert.equal((await asMember('GET', `/api/v1/servers/${id}`)).status, 404);
  assert.equal((await bot.command('settings', 'set', '--server', id, 'dashboard_roles', role.id)).code, 0);
  assert.equal((await asMember('GET', `/api/v1/servers/${id}`)).json.access, 'viewer');
  assert.equal((await change(asMember, '9', '7')).status, 403);
  assert.equal((await bot.command('settings', 'set', '--server', id, 'points_per_5min', '4')).code, 0);
});

test('who cancels at Discord, or comes by somebody else\'s link, is not signed in', async () => {
  const away = await http('GET', `${bot.url}/auth/discord/start`);
  const cookie = away.headers.get('set-cookie').split(';')[0];
  const consent = await http('GET', `${away.headers.get('location')}&as=${server(first).owner}`);
  const link = consent.headers.get('location');
  const stranger = await http('GET', link);
  assert.equal(stranger.headers.get('location'), '/sign-in?error=expired');
  const state = new URL(link).searchParams.get('state');
  const cancelled = await http('GET', `${bot.url}/auth/discord/callback?error=access_denied&state=${state}`, undefined, { cookie });
  assert.equal(cancelled.headers.get('location'), '/sign-in?error=denied');
  assert.equal((await http('GET', link, undefined, { cookie })).headers.get('location'), '/sign-in?error=expired', 'it is used up');
});

test('keys are rotated beside the running bot, which goes on with what it has sealed', async () => {
  const { id, suggested_kick_channel: slug } = server(first);
  const before = await bot.commandJson('keys', 'list');
  assert.deepEqual(before.keys.map((key) => key.state), ['seals']);
  assert.ok(before.keys[0].values >= 4, 'two channels with two tokens each');
  const rotated = await bot.commandJson('keys', 'rotate');
  assert.equal(rotated.left, 0);
  assert.equal(rotated.resealed, before.keys[0].values);
  const refused = await bot.command('keys', 'forget', rotated.key);
  assert.equal(refused.code, 6, refused.stderr);
  assert.equal((await bot.command('keys', 'forget', 'k9')).code, 1);
  assert.equal((await bot.command('keys', 'forget', 'k1')).code, 0);
  assert.deepEqual((await bot.commandJson('keys', 'list')).keys, [{ id: rotated.key, state: 'seals', values: before.keys[0].values }]);
  await chat(slug, viewersOf(slug)[5].id, '!points', /points/i);
  assert.equal((await api('GET', `/api/v1/servers/${id}`)).json.channel.token_state, 'connected');
});

test('a second instance on the same data is refused, and the first goes on', async () => {
  const other = await bot.command('run', '--listen', '127.0.0.1:0');
  assert.equal(other.code, 4);
  assert.match(other.stderr, /runs already/);
  const elsewhere = await run(['run', '--listen', '127.0.0.1:0', '--data-dir', temporaryFolder(), '--url', storage.address], { env: storage.env });
  assert.equal(elsewhere.code, 4, 'the database counts, not the folder');
  assert.match(await slash(server(first).id, server(first).owner, 'help'), /points/);
});

test('stopped in good order and started again, it knows what it knew', async () => {
  const { id, owner, members } = server(first);
  assert.deepEqual(await bot.process.stop('SIGTERM'), { code: 0, signal: null });
  bot.begin();
  await bot.ready();
  assert.match(await slash(id, owner, 'points', { user: members[2].id }), /200 points/);
  assert.equal((await api('GET', '/api/v1/servers')).status, 200, 'the session outlives the process');
});
