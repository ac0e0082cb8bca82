// Faults: the bot is killed at random moments under load, and every message of the platforms is repeated,
// delayed and reordered. The simulation is the witness: what it was answered 200 for, and the totals that
// follow from its own record, must be in the database.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Bot, freePort, full, http, query, simEnvironment, sleep, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { setUp, startPostgres } from '../support/postgres.mjs';

const speed = 30; // a minute of the world is two seconds
const kills = full ? 100 : 10;
const serverKills = full ? 20 : 3;
const postgres = await startPostgres();
let databases = 0;

/** The platforms with their members at work, and a bot that serves them; both end with the test. */
async function world(t, { rate = 100, faults = {}, members = true, onPostgres = false } = {}) {
  const origin = Math.floor(Date.now() / 1000);
  const clock = `${speed}:${origin}`;
  const sim = await startSim(['--rate', String(rate), '--sim-clock', clock, '--keep', temporaryFolder()]);
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const database = `faults_${(databases += 1)}`;
  const env = { ...simEnvironment(sim.contract), ...(onPostgres ? await setUp(postgres, database) : {}) };
  const bot = new Bot({ dataDir: temporaryFolder(), port, env, args: ['--sim-clock', clock] });
  bot.query = (sql) => (onPostgres ? postgres.query(database, sql) : query(bot.dataDir, sql));
  t.after(async () => {
    await bot.process.stop('SIGKILL');
    await sim.stop('SIGKILL');
  });
  bot.begin();
  await bot.ready();
  const places = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === places.servers.length);
  for (const server of places.servers) {
    const quiet = server.channels.find(({ name }) => name === 'raffles');
    await bot.command('settings', 'set', '--server', server.id, 'log_channel_id', quiet.id);
  }
  await bot.bindTo(places);
  for (const server of places.servers) await knowsItsLogChannel(sim, server);
  const administrator = places.servers.map((server) => ({ guild: server.id, user: server.owner }));
  if (Object.keys(faults).length > 0) await sim.post('/faults', faults);
  if (members) await sim.post('/members/start');
  return { sim, bot, places, administrator, origin };
}

/** Settings that the command line changed reach the running bot within a second: waits for that. */
async function knowsItsLogChannel(sim, { id: guild, owner: user, members }) {
  await until('a correction to be announced', async () => {
    await sim.post('/discord/command', { guild, user, name: 'points-add', options: { user: members[0].id, amount: 1, reason: 'probe' } });
    await sleep(200);
    return (await sim.get(`/discord/messages?guild=${guild}`)).some(({ content }) => content.endsWith(': probe'));
  });
}

/** Corrections by administrators all the time; the returned function ends them and tells which were asked. */
function correct(sim, administrators, places) {
  const asked = [];
  let going = true;
  const loop = (async () => {
    for (let i = 0; going; i += 1) {
      const { guild, user } = administrators[i % administrators.length];
      const members = places.servers.find((server) => server.id === guild).members;
      const amount = 1 + (i % 50);
      try {
        const { interaction } = await sim.post('/discord/command', {
          guild, user, name: 'points-add', options: { user: members[i % members.length].id, amount, reason: `correction ${i}` },
        });
        asked.push({ id: interaction.id ?? interaction, guild, amount, reason: `correction ${i}` });
      } catch {
        // no bot is there to be asked
      }
      await sleep(400); // slower than Discord lets a channel be written to, or announcements grow old waiting
    }
  })();
  return async () => {
    going = false;
    await loop;
    return asked;
  };
}

async function settle(sim, bot) {
  await sim.post('/members/stop');
  await until('all webhooks to be told', async () => (await sim.get('/healthz')).webhooks_waiting === 0, 60);
  await until('the outbox to be empty', async () => (await bot.query('SELECT count(*) AS n FROM outbox'))[0].n === 0, 90);
  const [{ newest }] = await bot.query('SELECT max(at) AS newest FROM presence');
  await until('the newest presence to be settled', async () => (await bot.query('SELECT min(settled_until) AS until FROM watch_settlements'))[0].until >= (newest ?? 0) + 120e6, 90);
}

async function checkRecord(sim, bot) {
  const counts = await bot.commandJson('sim', 'check', '--control', sim.contract.control);
  assert.equal(counts.servers, 3);
  assert.equal(counts.ledger_mismatches, 0);
  assert.equal(counts.foreign_rows, 0);
  assert.equal(counts.witness_mismatches, 0);
  assert.ok(counts.points_awarded > 0, 'no points were paid');
  assert.ok(counts.kick_events > 50, `only ${counts.kick_events} events of Kick`);
  return counts;
}

const troubles = (bot) => bot.process.stderr().split('\n').filter((line) => / (warning|error) /.test(line)).slice(-30).join('\n');

/** What Discord was told is in the ledger, once; what is in the ledger was announced, once. */
async function checkCorrections(sim, bot, asked) {
  const booked = await bot.query("SELECT operation_id, amount, reason FROM ledger WHERE kind = 'admin_adjust' AND reason LIKE 'correction %'");
  const byOperation = new Map(booked.map((row) => [row.operation_id, row]));
  assert.equal(byOperation.size, booked.length, 'an operation was booked twice');
  const interactions = await sim.get('/discord/interactions');
  let answered = 0;
  for (const { id, amount } of asked) {
    const record = interactions.find((one) => one.id === id);
    const text = JSON.stringify(record ?? {});
    if (!text.includes(`got ${amount} points`)) continue;
    answered += 1;
    assert.equal(byOperation.get(`discord:${id}`)?.amount, amount, `interaction ${id} was answered and is not in the ledger`);
  }
  const told = [];
  for (const server of (await sim.get('/world')).servers) {
    for (const message of await sim.get(`/discord/messages?guild=${server.id}`)) told.push(message.content);
  }
  for (const { reason } of booked) {
    const times = told.filter((content) => content.endsWith(`: ${reason}`)).length;
    assert.equal(times, 1, `"${reason}" was announced ${times} times\n${troubles(bot)}`);
  }
  return { asked: asked.length, answered, booked: booked.length };
}

for (const onPostgres of [false, true]) {
  test(`killed ${kills} times under load${onPostgres ? ' on PostgreSQL' : ''}, it goes on by itself and has lost and doubled nothing`, { timeout: 1_200_000 }, async (t) => {
    const { sim, bot, places, administrator } = await world(t, { onPostgres });
    const stopCorrections = correct(sim, administrator, places);
    for (let i = 0; i < kills; i += 1) {
      await sleep(400 + Math.random() * 2_000);
      await bot.process.stop('SIGKILL');
      bot.begin();
      await bot.ready();
    }
    await sleep(1_000);
    const asked = await stopCorrections();
    await settle(sim, bot);
    const counts = await checkRecord(sim, bot);
    const corrections = await checkCorrections(sim, bot, asked);
    assert.ok(corrections.answered > 0, 'no correction was answered');
    console.log(`# ${kills} kills: ${counts.kick_events} events of Kick, ${counts.points_awarded} points awarded, corrections ${JSON.stringify(corrections)}`);
  });
}

test(`PostgreSQL killed ${serverKills} times under load: the bot waits for it, and what was answered is there, once`, { timeout: 600_000 }, async (t) => {
  const { sim, bot, places, administrator } = await world(t, { onPostgres: true });
  const stopCorrections = correct(sim, administrator, places);
  for (let i = 0; i < serverKills; i += 1) {
    await sleep(1_500 + Math.random() * 2_000);
    await postgres.kill();
    await sleep(Math.random() * 1_000);
    await postgres.restart();
    await until('the bot to be ready again', async () => (await http('GET', `${bot.url}/readyz`)).status === 200, 60);
  }
  await sleep(3_000);
  const asked = await stopCorrections();
  await settle(sim, bot);
  const counts = await checkRecord(sim, bot);
  const corrections = await checkCorrections(sim, bot, asked);
  assert.ok(corrections.answered > 0, 'no correction was answered');
  assert.equal(bot.process.child.exitCode, null, 'the bot ended');
  console.log(`# ${serverKills} kills of PostgreSQL: ${counts.kick_events} events of Kick, corrections ${JSON.stringify(corrections)}`);
});

test('repeated, delayed, reordered and forged messages leave the same sums', { timeout: 300_000 }, async (t) => {
  const { sim, bot, places, administrator } = await world(t, {
    rate: 40,
    faults: { kick_duplicates: true, kick_reorder: true, kick_delay_ms: 200, kick_spaces: true, kick_wrong_signature: true, gateway_duplicates: true, gateway_numeric_ids: true },
  });
  const stopCorrections = correct(sim, administrator, places);
  await sleep(full ? 60_000 : 15_000);
  const asked = await stopCorrections();
  await settle(sim, bot);
  const counts = await checkRecord(sim, bot);
  const corrections = await checkCorrections(sim, bot, asked);
  const witness = await sim.get('/witness');
  assert.equal(witness.forged_accepted, 0, 'a webhook with a wrong signature was accepted');
  console.log(`# ${counts.kick_events} events of Kick, each told twice and out of order; corrections ${JSON.stringify(corrections)}`);
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
  const [{ negative }] = await bot.query('SELECT (SELECT count(*) FROM balances WHERE balance < 0) + (SELECT count(*) FROM watchtime WHERE watched_us < 0 OR subscribed_us < 0) AS negative');
  assert.equal(negative, 0);
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

/** The application's subscriptions, as it could ask Kick itself. */
async function subscriptions({ kick }) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: kick.client_id, client_secret: kick.client_secret });
  const { access_token: token } = await (await fetch(`${kick.oauth}/oauth/token`, { method: 'POST', body: form })).json();
  const url = `${kick.api}/public/v1/events/subscriptions`;
  const headers = { authorization: `Bearer ${token}` };
  const list = async () => (await (await fetch(url, { headers })).json()).data;
  const erase = async (ids) => fetch(`${url}?${ids.map((id) => `id=${id}`).join('&')}`, { method: 'DELETE', headers });
  return { list, erase };
}

test('a subscription that Kick refused at first is made up for', { timeout: 120_000 }, async (t) => {
  const { sim, bot } = await world(t, { members: false });
  const kick = await subscriptions(sim.contract);
  await bot.process.stop('SIGKILL');
  await kick.erase((await kick.list()).map(({ id }) => id));
  assert.deepEqual(await kick.list(), []);
  await sim.post('/faults', { kick_5xx: 2 });
  bot.begin();
  await until('the refusals to be met', async () => (await sim.get('/faults')).kick_5xx === 0);
  await until('the events of both channels', async () => new Set((await kick.list()).map((one) => one.broadcaster_user_id)).size === 2, 60);
});
