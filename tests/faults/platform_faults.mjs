// Faults of the platforms: what is repeated, delayed, reordered, forged or refused, an outage, a clock that
// jumps back.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { full, http, kickSubscriptions, sleep, until } from '../support/guildhall.mjs';
import { beginning, resuming, traps } from './traps.mjs';
import { checkCorrections, checkNothingNegative, checkRecord, correct, settle, speed, world } from './world.mjs';

/** How many chat messages were taken after one that was written later in the same channel, and of how many. */
function overtakings({ channels }) {
  let overtaken = 0;
  let all = 0;
  for (const { viewers } of channels) {
    const messages = viewers.flatMap((viewer) => viewer.messages).sort((a, b) => a.accepted_at - b.accepted_at);
    let newest = 0;
    for (const { at } of messages) {
      if (at < newest) overtaken += 1;
      newest = Math.max(newest, at);
    }
    all += messages.length;
  }
  return { overtaken, all };
}

describe('faults of the platforms', { concurrency: 4 }, () => {
  test("the traps of Discord's protocol while a session goes on", { timeout: 300_000 }, traps(resuming));
  test("the traps of Discord's protocol where a session begins, and within one", { timeout: 300_000 }, traps(beginning));

  test('repeated, delayed, reordered and forged messages leave the same sums', { timeout: 300_000 }, async (t) => {
    const { sim, bot, places, administrator } = await world(t, {
      rate: 40,
      faults: { kick_duplicates: true, kick_reorder: true, kick_delay_ms: 500, kick_spaces: true, kick_wrong_signature: true, gateway_duplicates: true, gateway_numeric_ids: true, gateway_reorder: true },
    });
    const stopCorrections = correct(sim, administrator, places);
    await sleep(full ? 60_000 : 10_000);
    const asked = await stopCorrections();
    await settle(sim, bot);
    const counts = await checkRecord(sim, bot);
    const corrections = await checkCorrections(sim, bot, asked);
    const witness = await sim.get('/witness');
    assert.equal(witness.forged_accepted, 0, 'a webhook with a wrong signature was accepted');
    const { overtaken, all } = overtakings(witness);
    assert.ok(overtaken > all / 4, `only ${overtaken} of ${all} messages were overtaken`);
    console.log(`# ${counts.kick_events} events of Kick, each told twice, ${overtaken} of ${all} messages overtaken; corrections ${JSON.stringify(corrections)}`);
  });

  test('a clock that jumps back an hour makes nothing negative and pays nothing twice', { timeout: 120_000 }, async (t) => {
    const { sim, bot, origin } = await world(t);
    const clocks = [origin, origin + Math.round(3_600 / (speed - 1)), origin]; // the later its origin, the less has passed
    for (const begun of clocks) {
      await bot.process.stop('SIGKILL');
      bot.args = ['--sim-clock', `${speed}:${begun}`];
      bot.begin();
      await bot.ready();
      await sleep(full ? 20_000 : 5_000);
    }
    await settle(sim, bot);
    await checkRecord(sim, bot);
    await checkNothingNegative(bot);
  });

  test('an outage of Discord pauses nothing, leaving deletes nothing, and coming back resumes', { timeout: 120_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { rate: 20 });
    const guild = places.servers[0].id;
    const state = async () => (await bot.query(`SELECT state FROM servers WHERE discord_server_id = ${guild}`))[0].state;
    const people = async () => (await bot.query(`SELECT count(*) AS n FROM persons WHERE discord_server_id = ${guild}`))[0].n;
    await until('people to be known', async () => (await people()) > 0);
    await sim.post('/discord/outage', { guild });
    await sleep(500);
    assert.equal(await state(), 'active');
    await sim.post('/discord/outage-end', { guild });
    await sim.post('/discord/guild-leave', { guild });
    await until('the server to be inactive', async () => (await state()) === 'inactive');
    const before = await people();
    assert.ok(before > 0);
    await sim.post('/discord/guild-join', { guild });
    await until('the server to be active again', async () => (await state()) === 'active');
    assert.ok((await people()) >= before, 'people were lost');
  });

  test('a server that comes while nothing can be written is taken in as soon as that is possible', { timeout: 120_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { members: false });
    const guild = places.servers[0].id;
    const state = async () => (await bot.query(`SELECT state FROM servers WHERE discord_server_id = ${guild}`))[0].state;
    await sim.post('/discord/guild-leave', { guild });
    await until('the server to be inactive', async () => (await state()) === 'inactive');
    const other = spawn('sqlite3', [join(bot.dataDir, 'guildhall.db')], { stdio: ['pipe', 'inherit', 'inherit'] });
    t.after(() => other.kill('SIGKILL'));
    other.stdin.write('BEGIN IMMEDIATE;\n');
    await sleep(200);
    await sim.post('/discord/guild-join', { guild });
    await until('the bot to have tried in vain', () => bot.process.stderr().includes('discord.arrive'));
    assert.equal(await state(), 'inactive');
    other.stdin.end('ROLLBACK;\n');
    await until('the server to be active again', async () => (await state()) === 'active');
  });

  test('a platform that closes, refuses and limits is only a pause', { timeout: 120_000 }, async (t) => {
    const { sim, bot, places, administrator } = await world(t, { rate: 20 });
    for (const code of [4000, 4009, 1001, 0]) {
      await sim.post('/discord/gateway', { do: 'close', code });
      await until(`the bot to be back after ${code}`, async () => (await http('GET', `${bot.url}/readyz`)).status === 200, 60);
    }
    await sim.post('/faults', { discord_user_429: 2, discord_5xx: 2, kick_429: 1, kick_5xx: 1, gateway_refuse_resumes: true });
    await sim.post('/discord/gateway', { do: 'reconnect' });
    await sleep(500);
    await until('the bot to be back', async () => (await http('GET', `${bot.url}/readyz`)).status === 200, 60);
    const { guild, user } = administrator[0];
    const { interaction } = await sim.post('/discord/command', { guild, user, name: 'points', options: {} });
    const id = interaction.id ?? interaction;
    await until('an answer', async () => JSON.stringify((await sim.get('/discord/interactions')).find((one) => one.id === id)).includes('points'), 30);
    assert.equal(places.servers.length, 3);
  });

  test('what Kick said last still holds after a restart: offline chat counts nothing while Kick cannot be asked', { timeout: 120_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { members: false });
    const slug = places.servers[0].suggested_kick_channel;
    await until('the channel to be known as offline', async () => (await bot.query(`SELECT live FROM channels WHERE slug = '${slug}'`))[0]?.live === 'offline');
    await bot.process.stop('SIGKILL');
    const keyFile = join(bot.dataDir, 'kick.pem');
    writeFileSync(keyFile, sim.contract.kick.public_key);
    bot.env.GUILDHALL_KICK_PUBLIC_KEY_FILE = keyFile;
    await sim.post('/faults', { kick_5xx: 1_000 });
    bot.begin();
    await bot.ready();
    const { viewers } = places.kick_channels.find((channel) => channel.slug === slug);
    const people = viewers.filter((viewer) => !viewer.bot && viewer.slug !== slug).slice(0, 2);
    for (const viewer of people) await sim.post('/kick/chat', { slug, user: viewer.id, content: 'hello' });
    await until('both to be noticed', async () => (await bot.query('SELECT count(DISTINCT person_id) AS n FROM presence'))[0].n >= 2);
    assert.deepEqual(await bot.query("SELECT * FROM watch_conditions WHERE kind = 'chat'"), []);
  });

  test('a streamer and a viewer who call themselves otherwise stay who they are', { timeout: 120_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { members: false });
    const [{ id: server, suggested_kick_channel: slug }] = places.servers;
    const { broadcaster_user_id: streamer, viewers } = places.kick_channels.find((channel) => channel.slug === slug);
    const [viewer, other] = viewers.filter((one) => !one.bot && one.id !== streamer);
    const known = async (id) => (await bot.query(`SELECT person_id, name FROM identities WHERE discord_server_id = ${server} AND platform_user_id = '${id}'`))[0];
    const say = (channel, id) => sim.post('/kick/chat', { slug: channel, user: id, content: 'hello' });
    const calledSo = async () => (await bot.query(`SELECT value FROM settings WHERE discord_server_id = ${server} AND key = 'kick_channel'`))[0]?.value;
    const kick = await kickSubscriptions(sim.contract);
    const before = await kick.list();
    await say(slug, viewer.id);
    const person = await until('the viewer to be known', () => known(viewer.id));

    await sim.post('/kick/rename', { user: streamer, username: 'Beacon_Live' });
    await sim.post('/kick/rename', { user: viewer.id, username: 'Somebody_New' });
    await sim.post('/kick/rename', { user: other.id, username: viewer.username });
    await until('the new name to be known', async () => (await calledSo()) === 'beacon-live', 60);
    await say('beacon-live', viewer.id);
    await say('beacon-live', other.id);
    const later = await until('the viewer under his new name', async () => [await known(viewer.id)].find(({ name }) => name === 'Somebody_New'));
    assert.equal(later.person_id, person.person_id);
    const successor = await until('who is called so now', () => known(other.id));
    assert.equal(successor.name, viewer.username);
    assert.notEqual(successor.person_id, person.person_id, 'a name was taken for a person');

    const [channel] = await bot.query(`SELECT slug, token_state FROM channels WHERE platform_user_id = '${streamer}'`);
    assert.deepEqual(channel, { slug: 'beacon-live', token_state: 'connected' });
    assert.deepEqual((await kick.list()).map(({ id }) => id).sort(), before.map(({ id }) => id).sort(), 'subscriptions changed');
  });

  test('a stream that began while nothing ran is caught up, and that time is shown as a gap', { timeout: 120_000 }, async (t) => {
    const { sim, bot, api, places } = await world(t, { members: false });
    const [{ id: server, suggested_kick_channel: slug }] = places.servers;
    await until('its channel to be heard', async () => (await bot.query("SELECT count(*) AS n FROM channel_hearing WHERE doubt = ''"))[0].n > 0);
    const gone = Date.now();
    await bot.process.stop('SIGKILL');
    await sim.post('/faults', { kick_lost: 1 });
    await sim.post('/kick/live', { slug, title: 'Nobody heard of it' });
    await sleep((6 * 60_000) / speed);
    bot.begin();
    await bot.ready();
    const seen = async () => (await api('GET', `/api/v1/servers/${server}`)).json;
    const { channel, gaps: [gap] } = await until('the stream and the gap', async () => {
      const state = await seen();
      return state.channel?.live === 'live' && state.gaps.length > 0 && state;
    });
    assert.equal((await sim.get('/faults')).kick_lost, 0, 'Kick posted it and nobody was there');
    assert.equal(gap.reason, 'stopped');
    const minutes = (Date.parse(gap.until) - Date.parse(gap.from)) / 60_000;
    assert.ok(minutes >= 6 && minutes < ((Date.now() - gone) * speed) / 60_000 + 2, `${minutes} minutes`);
    assert.ok(channel.live_since > gap.from && channel.live_since < gap.until, 'the stream began in it');
  });

  test('a subscription that Kick refused at first is made up for', { timeout: 120_000 }, async (t) => {
    const { sim, bot } = await world(t, { members: false });
    const kick = await kickSubscriptions(sim.contract);
    await bot.process.stop('SIGKILL');
    await kick.erase((await kick.list()).map(({ id }) => id));
    assert.deepEqual(await kick.list(), []);
    await sim.post('/faults', { kick_5xx: 2 });
    bot.begin();
    await until('the refusals to be met', async () => (await sim.get('/faults')).kick_5xx === 0);
    await until('the events of both channels', async () => new Set((await kick.list()).map((one) => one.broadcaster_user_id)).size === 2, 60);
  });

  test("chat that Kick does not post comes through the socket of its site, also after a kill, until Kick posts it", { timeout: 180_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { members: false });
    const kick = await kickSubscriptions(sim.contract);
    const { socket, socket_key: key, site } = sim.contract.kick;
    const slug = places.servers[0].suggested_kick_channel;
    const [, ...viewers] = places.kick_channels.find((channel) => channel.slug === slug).viewers.filter((one) => !one.bot);
    const servers = places.servers.filter((server) => server.suggested_kick_channel === slug).length;
    const listened = (channels) => until(`${channels} chatrooms to be listened to`, async () => (await sim.get('/kick/socket')).channels.length === channels, 60);
    const answers = async () => (await sim.get(`/kick/chat?slug=${slug}`)).length;
    let expected = 0;
    const speak = async () => {
      await sim.post('/kick/chat', { slug, user: viewers.pop().id, content: '!points' });
      expected += servers;
      await until('each server to answer', async () => (await answers()) >= expected);
    };

    await bot.process.stop('SIGKILL');
    await kick.erase((await kick.list()).map(({ id }) => id));
    await sim.post('/faults', { kick_chat_refused: true });
    Object.assign(bot.env, { GUILDHALL_KICK_CHAT_SOCKET_APP_KEY: key, GUILDHALL_KICK_CHAT_SOCKET_URL: socket, GUILDHALL_KICK_CHAT_SOCKET_SITE_URL: site });
    bot.begin();
    await listened(2);
    await speak();
    await sim.post('/kick/socket', { do: 'close', code: 4100 });
    await listened(0);
    await listened(2);
    await speak();
    await bot.process.stop('SIGKILL');
    await sim.post('/faults', { kick_site_403: true });
    bot.begin();
    await listened(2);
    await speak();
    await sim.post('/faults', { kick_chat_refused: false });
    await listened(0);
    await speak();
    await sleep(2_000);
    assert.equal(await answers(), expected, 'something was answered twice');
  });
});
