// A streamer connects his channel, somebody else wants it, and he takes back what he granted: the whole bot beside the
// simulated Kick.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, kickSubscriptions, simEnvironment, sleep, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { testedLayout } from '../support/layouts.mjs';
import { checkUnread, filesOf } from '../support/secrets.mjs';

let sim;
let bot;
let storage;
let kick;
let world;
let channel; // of the streamer
let own; // the other channel, of nobody yet
let owner; // of the first server, who connects it
let stranger; // who owns another server, and can sign in to the streamer's account

const [his, theirs] = [0, 1];
const server = (index) => world.servers[index].id;
const page = async (who, index) => (await who.api('GET', `/api/v1/servers/${server(index)}`)).json;
const audit = async (who, index) => (await who.api('GET', `/api/v1/servers/${server(index)}/audit`)).json.rows;
const consents = async () => (await sim.get('/kick/consents')).filter(({ user }) => user === channel.broadcaster_user_id);
const happened = async (index) => (await storage.read(`SELECT kind FROM activity WHERE discord_server_id = ${server(index)}`)).map(({ kind }) => kind);
const told = async (index) => (await sim.get(`/discord/messages?guild=${server(index)}`)).filter(({ content }) => content.includes('tried 3 times'));

/** That person goes to Kick for that server and comes back; where he comes out. `as`: what he does there. */
async function connect(who, index, as = `as=${channel.slug}`) {
  const { json } = await who.api('POST', `/api/v1/servers/${server(index)}/kick/connect`, {});
  const consent = await http('GET', `${json.url}&${as}`);
  const back = await who.api('GET', consent.headers.get('location').slice(bot.url.length));
  return back.headers.get('location');
}

before(async () => {
  sim = await startSim();
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  kick = await kickSubscriptions(sim.contract);
  const dataDir = temporaryFolder();
  storage = await testedLayout().open({ dataDir });
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...storage.env } });
  bot.begin();
  await bot.ready();
  world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  channel = world.kick_channels.find(({ slug }) => slug === world.servers[his].suggested_kick_channel);
  own = world.kick_channels.find(({ slug }) => slug !== channel.slug);
  const members = new Set(world.servers[his].members.map(({ id }) => id));
  const other = world.servers[theirs].members.find(({ id }) => !members.has(id) && id !== world.bot);
  await sim.post('/discord/guild-update', { guild: server(theirs), owner: other.id });
  for (const index of [his, theirs]) {
    const log = world.servers[index].channels.find(({ name }) => name === 'raffles').id;
    await bot.command('settings', 'set', '--server', server(index), 'log_channel_id', log);
  }
  owner = { ...(await bot.signInByDiscord(world.servers[his].owner)), id: world.servers[his].owner };
  stranger = { ...(await bot.signInByDiscord(other.id)), id: other.id };
  await until('the stranger to be known as an owner', async () => (await page(stranger, theirs)).access === 'owner');
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

test('who denies on Kick\'s page has connected nothing', async () => {
  assert.equal(await connect(owner, his, 'deny=1'), '/?error=access_denied');
  assert.equal((await page(owner, his)).channel, null);
  assert.deepEqual(await consents(), []);
});

test('the streamer consents, and all his events come', async () => {
  assert.equal(await connect(owner, his), `/servers/${server(his)}?connected=kick`);
  await until('his events', async () => (await kick.list()).length === 4);
  const { channels } = (await owner.api('GET', '/api/v1/channels')).json;
  assert.deepEqual(channels.map(({ id, token_state: state }) => [id, state]), [[channel.broadcaster_user_id, 'connected']]);
});

test('another person with the same account is refused, and what Kick gave him is of no use to anybody', async () => {
  assert.equal(await connect(stranger, theirs, `as=${own.slug}`), `/servers/${server(theirs)}?connected=kick`);
  await until('his own events', async () => (await kick.list()).length === 8);
  await sim.post('/kick/live', { slug: own.slug });
  await until('his own stream', async () => (await happened(theirs)).includes('stream_live'));
  assert.equal(await connect(stranger, theirs), '/?error=taken');
  assert.deepEqual((await consents()).map(({ revoked }) => revoked), [false, true]);
  assert.equal((await page(stranger, theirs)).channel.slug, own.slug);
  assert.equal((await page(owner, his)).channel.slug, channel.slug);
  assert.deepEqual((await stranger.api('GET', '/api/v1/channels')).json.channels.map(({ slug }) => slug), [own.slug]);
  assert.ok(!(await happened(theirs)).includes('stream_offline'), 'his own stream was taken for over');
});

test('the attempt stands in both logs, and who it was only in that of his own server', async () => {
  const [row] = await until('the row', async () => {
    const rows = (await audit(stranger, theirs)).filter(({ action }) => action === 'channel.taken');
    return rows.length > 0 && rows;
  });
  assert.deepEqual([row.actor, row.subject], [`discord:${stranger.id}`, channel.slug]);
  const [wanted] = await until('the row of those who listen', async () => {
    const rows = (await audit(owner, his)).filter(({ action }) => action === 'channel.wanted');
    return rows.length > 0 && rows;
  });
  assert.deepEqual([wanted.subject, wanted.after], [channel.slug, '1']);
  assert.ok(!JSON.stringify(await audit(owner, his)).includes(stranger.id), 'the streamer\'s server reads who it was');
  const [noted] = await storage.common("SELECT actor, subject, after FROM operator_log WHERE action = 'channel.taken'");
  assert.deepEqual([noted.actor, noted.after], [`discord:${stranger.id}`, '127.0.0.1']);
  assert.ok(!noted.subject.includes(channel.broadcaster_user_id), 'the account stands in the open');
  assert.equal((await page(owner, his)).channel_problem, null);
});

test('from the third within a day on, who listens is warned: once in the log channel, and on the page', async () => {
  for (let i = 0; i < 3; i += 1) assert.equal(await connect(stranger, theirs), '/?error=taken');
  await until('the warning', async () => (await told(his)).length > 0);
  assert.match((await page(owner, his)).channel_problem, /tried 3 times within a day/);
  await until('the fourth attempt to be noted', async () => (await audit(owner, his)).some(({ action, after: count }) => action === 'channel.wanted' && count === '4'));
  assert.equal((await told(his)).length, 1);
  assert.equal((await page(stranger, theirs)).channel_problem, null);
  assert.deepEqual(await told(theirs), []);
});

test('what the streamer takes back is gone: here, and at Kick', async () => {
  assert.equal((await stranger.api('DELETE', `/api/v1/channels/kick/${channel.broadcaster_user_id}`)).status, 404);
  assert.equal((await owner.api('DELETE', `/api/v1/channels/kick/${channel.broadcaster_user_id}`)).status, 204);
  assert.equal((await page(owner, his)).channel, null);
  assert.deepEqual((await owner.api('GET', '/api/v1/channels')).json.channels, []);
  await until('Kick to be told', async () => (await consents()).every(({ revoked }) => revoked));
  await until('no events to come', async () => (await kick.list()).every((one) => String(one.broadcaster_user_id) !== channel.broadcaster_user_id));
  const [row] = await until('no token to be kept', async () => {
    const found = await storage.common(`SELECT token_state, grant_owner, access_token, refresh_token FROM channels WHERE platform_user_id = '${channel.broadcaster_user_id}'`);
    return found.every(({ access_token: access, refresh_token: refresh }) => access === null && refresh === null) && found;
  });
  assert.deepEqual([row.token_state, row.grant_owner], ['none', '']);
  assert.deepEqual(await storage.common(`SELECT * FROM channel_bindings WHERE platform_user_id = '${channel.broadcaster_user_id}'`), []);
  await sim.post('/kick/chat', { slug: channel.slug, user: channel.viewers[1].id, content: '!points' });
  await sleep(500);
  assert.deepEqual(await sim.get(`/kick/chat?slug=${channel.slug}`), [], 'the bot still speaks there');
});

test('then the channel is anybody\'s who can sign in to it', async () => {
  assert.equal(await connect(stranger, theirs), `/servers/${server(theirs)}?connected=kick`);
  assert.equal((await page(stranger, theirs)).channel.slug, channel.slug);
  assert.ok((await happened(theirs)).includes('stream_offline'), 'for his server the stream of the one before is over');
  await until('its events alone', async () => {
    const events = await kick.list();
    return events.length === 4 && events.every((one) => String(one.broadcaster_user_id) === channel.broadcaster_user_id);
  });
});

test('nothing that Kick gave is readable: not in what the bot printed, in its folder, nor in a backup', async () => {
  const backups = temporaryFolder();
  if (!storage.address.startsWith('sqlite-per-server:')) { // where a copy of the folder is the backup
    const scratch = storage.postgres ? ['--scratch-url', storage.postgres.admin] : [];
    const { code, stderr } = await bot.command('migrate', 'backup', '--backup-dir', backups, ...scratch);
    assert.equal(code, 0, stderr);
    assert.ok(Object.keys(filesOf(backups)).length > 0, 'there is no backup');
  }
  await checkUnread(sim, { 'what it printed': bot.printed(), ...filesOf(bot.dataDir), ...filesOf(backups) });
});
