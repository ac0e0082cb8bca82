// Two processes on PostgreSQL share Discord's shards. One is killed, stopped and started while members come and go:
// the other takes over, by resuming, and no event is missed or handled twice.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sleep, start, until } from '../support/guildhall.mjs';
import { onPostgres } from '../support/layouts.mjs';
import { identifiesLeft, smallCount, world } from './world.mjs';

const rounds = smallCount(1, 5);
const shards = 2;

/** Members who join and leave all the time; the returned function ends that and tells how often who did what where. */
function comeAndGo(sim, places) {
  const done = new Map();
  const count = (key) => done.set(key, (done.get(key) ?? 0) + 1);
  let going = true;
  const loops = places.servers.map(async ({ id: guild }) => {
    while (going) {
      const { user } = await sim.post('/discord/member-join', { guild });
      count(`${guild} join ${user}`);
      await sleep(150);
      await sim.post('/discord/member-leave', { guild, user });
      count(`${guild} leave ${user}`);
      await sleep(150);
    }
  });
  return async () => {
    going = false;
    await Promise.all(loops);
    return done;
  };
}

/**
 * As the database has it: a join has the moment at which it happened and a leave its number in its session, so one that
 * is handled twice is noted once. A server keeps its last 500 events, so it is looked at all the time; the returned
 * function looks once more.
 */
function noteAll(bot) {
  const noted = new Map();
  const look = async () => {
    for (const { guild, operation } of await bot.query("SELECT discord_server_id::text AS guild, operation_id AS operation FROM activity WHERE kind IN ('member_joined', 'member_left')")) {
      const [act, user] = operation.split(':');
      const key = `${guild} ${act} ${user}`;
      if (!noted.has(key)) noted.set(key, new Set());
      noted.get(key).add(operation);
    }
    return new Map([...noted].map(([key, operations]) => [key, operations.size]));
  };
  let going = true;
  const looking = (async () => {
    while (going) {
      await look();
      await sleep(500);
    }
  })();
  return { look, async stop() { going = false; await looking; } };
}

const holders = async (bot) => (await bot.query("SELECT holder FROM leases WHERE kind = 'discord.shard' ORDER BY name")).map(({ holder }) => holder.split(' ')[0]);

describe("Discord's shards", () => {
  test('what a process leaves, killed or stopped, the other resumes, and no event is missed', { timeout: 600_000 }, async (t) => {
    const { sim, bot, places } = await world(t, { layout: onPostgres, members: false, shards });
    const shardOf = (id) => Number((BigInt(id) >> 22n) % BigInt(shards));
    assert.equal(new Set(places.servers.map(({ id }) => shardOf(id))).size, shards, 'each shard has a server');
    const before = await identifiesLeft(sim);
    const processes = [];
    const begin = () => {
      const args = ['run', '--roles', 'discord', '--data-dir', bot.dataDir, ...bot.args];
      processes.push(start(args, { env: bot.env }));
      return processes.at(-1);
    };
    t.after(() => Promise.all(processes.map((one) => one.stop('SIGKILL'))));
    const shared = () => until('both to have a shard', async () => (await holders(bot)).sort().join() === 'discord,everything');
    const notes = noteAll(bot);
    const leave = comeAndGo(sim, places);
    t.after(() => Promise.allSettled([notes.stop(), leave()]));
    for (let round = 0; round < rounds; round += 1) {
      const killed = begin();
      await shared();
      await sleep(2_000);
      await killed.stop('SIGKILL');
      await until('the shard of the killed one to be taken over', async () => !(await holders(bot)).includes('discord'), 30);

      const stopped = begin();
      await shared();
      await sleep(2_000);
      assert.deepEqual(await stopped.stop('SIGTERM'), { code: 0, signal: null });
      await until('the shard of the stopped one to be taken over', async () => !(await holders(bot)).includes('discord'), 5);

      const left = begin();
      await shared();
      await bot.process.stop('SIGKILL');
      bot.begin();
      await bot.ready();
      await shared();
      assert.equal((await left.stop('SIGTERM')).code, 0);
    }
    await bot.ready();
    const done = await leave();
    await until('the last who came and went to be noted', async () => {
      const noted = await notes.look();
      return [...done].every(([key, times]) => (noted.get(key) ?? 0) >= times);
    }, 60);
    await notes.stop();
    assert.deepEqual([...(await notes.look())].sort(), [...done].sort());
    assert.equal(await identifiesLeft(sim), before, 'a session was begun anew');
    assert.equal((await sim.get('/healthz')).shards_served_twice, 0, 'two connections served one shard');
    const total = [...done.values()].reduce((sum, times) => sum + times, 0);
    console.log(`# ${rounds} times killed, stopped and restarted, ${shards} shards: ${total} joined or left, each noted once`);
  });

  test('a second process is refused where it has no place', { timeout: 60_000 }, async (t) => {
    const { bot } = await world(t, { members: false });
    const beside = await bot.command('run', '--roles', 'discord');
    assert.equal(beside.code, 2, beside.stderr);
    assert.match(beside.stderr, /several processes need PostgreSQL\nhint: /);
    const unknown = await bot.command('run', '--roles', 'kitchen');
    assert.equal(unknown.code, 2);
    assert.match(unknown.stderr, /there is no role 'kitchen'/);
  });
});
