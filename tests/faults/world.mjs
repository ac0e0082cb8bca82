// What the fault tests share: the platforms with their members at work, a bot that serves them on one of the
// three layouts (../support/layouts.mjs), and the comparison of what the simulation was told with what the database holds.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { Bot, freePort, full, http, simEnvironment, sleep, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { oneFile, sum } from '../support/layouts.mjs';

export const speed = 30; // a minute of the world is two seconds

const known = (rows, column) => rows.map((row) => row[column]).filter((value) => value !== null);

/** The platforms with their members at work, and a bot that serves them; both end with the test. */
export async function world(t, { rate = 100, faults = {}, members = true, layout = oneFile, postgres, shards = 1, dataDir = temporaryFolder() } = {}) {
  const origin = Math.floor(Date.now() / 1000);
  const clock = `${speed}:${origin}`;
  const sim = await startSim(['--rate', String(rate), '--shards', String(shards), '--sim-clock', clock, '--keep', temporaryFolder()]);
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  mkdirSync(dataDir, { recursive: true });
  const storage = await layout.open({ dataDir, postgres });
  const bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...storage.env }, args: ['--sim-clock', clock] });
  bot.query = storage.read;
  t.after(async () => {
    await bot.process?.stop('SIGKILL');
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
  const api = await bot.bindTo(places);
  for (const server of places.servers) await knowsItsLogChannel(sim, server);
  const administrator = places.servers.map((server) => ({ guild: server.id, user: server.owner }));
  if (Object.keys(faults).length > 0) await sim.post('/faults', faults);
  if (members) await sim.post('/members/start');
  return { sim, bot, api, places, administrator, origin, storage };
}

/** How many sessions Discord still lets the bot begin today. */
export async function identifiesLeft(sim) {
  const answer = await http('GET', `${sim.contract.discord.rest}/v10/gateway/bot`, undefined, { authorization: `Bot ${sim.contract.discord.token}`, 'user-agent': 'DiscordBot (https://example.org, 1)' });
  return answer.json.session_start_limit.remaining;
}

/** Settings that the command line changed reach the running bot within a second: waits for that. */
export async function knowsItsLogChannel(sim, { id: guild, owner: user, members }) {
  await until('a correction to be announced', async () => {
    await sim.post('/discord/command', { guild, user, name: 'points-add', options: { user: members[0].id, amount: 1, reason: 'probe' } });
    await sleep(200);
    return (await sim.get(`/discord/messages?guild=${guild}`)).some(({ content }) => content.endsWith(': probe'));
  });
}

/** One correction by an administrator: {id of the interaction, ...}. */
export async function correctOnce(sim, { guild, user }, member, amount, reason) {
  const { interaction } = await sim.post('/discord/command', { guild, user, name: 'points-add', options: { user: member, amount, reason } });
  return { id: interaction.id ?? interaction, guild, amount, reason };
}

/** Corrections by administrators all the time; the returned function ends them and tells which were asked. */
export function correct(sim, administrators, places) {
  const asked = [];
  let going = true;
  const loop = (async () => {
    for (let i = 0; going; i += 1) {
      const administrator = administrators[i % administrators.length];
      const members = places.servers.find((server) => server.id === administrator.guild).members;
      try {
        asked.push(await correctOnce(sim, administrator, members[i % members.length].id, 1 + (i % 50), `correction ${i}`));
      } catch {
        // no bot is there to be asked
      }
      await sleep(400); // slower than Discord lets a channel be written to, or announcements grow old waiting
    }
  })();
  const end = async () => {
    going = false;
    await loop;
    return asked;
  };
  end.asked = asked;
  return end;
}

/** Waits until the members have earned something and all that they did is written down; nobody acts any more then. */
export async function settle(sim, bot) {
  await until('somebody to be paid', async () => sum(await bot.query("SELECT count(*) AS n FROM ledger WHERE unit = 'points' AND kind = 'watchtime'"), 'n') > 0, 120);
  await sim.post('/members/stop');
  await until('all webhooks to be told', async () => (await sim.get('/healthz')).webhooks_waiting === 0, 60);
  await until('the outbox to be empty', async () => sum(await bot.query('SELECT count(*) AS n FROM outbox'), 'n') === 0, 90);
  const newest = Math.max(0, ...known(await bot.query('SELECT max(at) AS newest FROM presence'), 'newest'));
  await until('the newest presence to be settled', async () => {
    const settled = known(await bot.query('SELECT min(settled_until) AS until FROM watch_settlements'), 'until');
    return settled.length > 0 && Math.min(...settled) >= newest + 120e6;
  }, 90);
}

export async function checkRecord(sim, bot, fewestEvents = 50) {
  const counts = await bot.commandJson('sim', 'check', '--control', sim.contract.control);
  assert.equal(counts.servers, 3);
  assert.equal(counts.ledger_mismatches, 0);
  assert.equal(counts.foreign_rows, 0);
  assert.equal(counts.witness_mismatches, 0);
  assert.ok(counts.points_awarded > 0, 'no points were paid');
  assert.ok(counts.kick_events > fewestEvents, `only ${counts.kick_events} events of Kick`);
  return counts;
}

export async function checkNothingNegative(bot) {
  const rows = await bot.query('SELECT (SELECT count(*) FROM balances WHERE balance < 0) + (SELECT count(*) FROM watchtime WHERE watched_us < 0 OR subscribed_us < 0) AS negative');
  assert.equal(sum(rows, 'negative'), 0);
}

const troubles = (bot) => bot.process.stderr().split('\n').filter((line) => / (warning|error) /.test(line)).slice(-30).join('\n');

/**
 * What Discord was told is in the ledger, once; what is in the ledger was announced, once. `mayExpire`: the
 * database was away so long that an announcement may have grown too old, so: at most once.
 */
export async function checkCorrections(sim, bot, asked, { mayExpire = false } = {}) {
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
    assert.ok(times === 1 || (times === 0 && mayExpire), `"${reason}" was announced ${times} times\n${troubles(bot)}`);
  }
  assert.ok(answered > 0, 'no correction was answered');
  return { asked: asked.length, answered, booked: booked.length };
}

/** A figure of /metrics: {value of the labels, or of none}. */
export async function figure(bot, name) {
  const text = await (await fetch(`${bot.url}/metrics`)).text();
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

export const smallCount = (small, all) => (full ? all : small);
