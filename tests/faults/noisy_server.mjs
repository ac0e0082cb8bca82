// One server makes a noise: ten times its events, commands without end, the biggest readings that there are.
// The others do what they always do, and are answered.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { full, sleep, until } from '../support/guildhall.mjs';
import { correctOnce, figure, smallCount, world } from './world.mjs';
import { layouts, oneFile, onPostgres, sum } from '../support/layouts.mjs';

const rounds = smallCount(25, 100);
const busy = 'The service is busy right now';

/** Corrections one after the other in each of these servers: how long each took until its answer, in ms. */
async function correctInTurns(sim, administrators, places, label) {
  const each = administrators.map(async (administrator) => {
    const { members } = places.servers.find(({ id }) => id === administrator.guild);
    const taken = [];
    for (let i = 0; i < rounds; i += 1) {
      const one = await correctOnce(sim, administrator, members[i % members.length].id, 1 + i, `${label} ${i}`);
      const record = await until(`"${one.reason}" to be answered`, async () => {
        const [found] = await sim.get(`/discord/interactions?id=${one.id}`);
        return found.state === 'answered' ? found : undefined;
      });
      assert.ok(record.answer.content.includes(`got ${one.amount} points`), `a quiet server was told: ${record.answer.content}`);
      taken.push(record.first_answer_ms);
      await sleep(20);
    }
    return taken;
  });
  return (await Promise.all(each)).flat().sort((a, b) => a - b);
}

const figures = (taken) => `median ${taken[taken.length >> 1].toFixed(1)} ms, worst ${taken.at(-1).toFixed(1)} ms`;

/** Everything that one server's people can do, as fast as it goes; `end` stops it. */
function makeNoise(sim, api, places, noisy) {
  const members = noisy.members.filter(({ id }) => id !== places.bot);
  const { slug, viewers } = places.kick_channels.find((channel) => channel.slug === noisy.suggested_kick_channel);
  const channels = noisy.channels.filter(({ type }) => type === 0);
  const asked = [];
  const reads = { 200: 0 };
  let going = true;
  const repeat = (act) => (async () => {
    for (let i = 0; going; i += 1) await act(i);
  })();
  const command = (administrates) => async (i) => {
    const who = administrates ? noisy.owner : members[i % members.length].id;
    const [name, options] = administrates ? ['points-add', { user: members[i % members.length].id, amount: 1, reason: 'noise' }] : ['points', {}];
    const { interaction } = await sim.post('/discord/command', { guild: noisy.id, channel: channels[i % channels.length].id, user: who, name, options });
    asked.push(interaction.id ?? interaction);
  };
  const chat = async (i) => {
    await sim.post('/kick/chat', { slug, user: viewers[i % viewers.length].id, content: i % 3 === 0 ? '!points' : `noise ${i}` });
    await sleep(5);
  };
  const read = (path) => async () => {
    const { status } = await api('GET', `/api/v1/servers/${noisy.id}${path}`);
    reads[status] = (reads[status] ?? 0) + 1;
  };
  const acts = [...Array.from({ length: 12 }, (_, i) => command(i % 3 > 0)), chat, read('/leaderboard?of=points&limit=25'), read('/points/history'), read('/audit')];
  const all = Promise.all(acts.map(repeat));
  all.catch(() => {}); // told by `end`
  return {
    asked,
    reads,
    async end() {
      going = false;
      await all;
    },
  };
}

/** No line grew beyond its limit, and the limits are shown. */
async function checkLines(bot, seen) {
  for (const [length, limit] of [['guildhall_db_longest_line', 'guildhall_db_line_limit'], ['guildhall_events_longest_line', 'guildhall_events_line_limit']]) {
    const bound = await figure(bot, limit);
    assert.ok(bound > 0, `${limit} is not shown`);
    const now = await figure(bot, length);
    assert.ok(now <= bound, `${length}: ${now} of ${bound}`);
    seen[length] = Math.max(seen[length] ?? 0, now);
  }
}

/** Every call of the noisy server was answered, with what was asked for or with a plain sentence. */
async function noiseWasAnswered(sim, asked) {
  const ids = new Set(asked.slice(-5_000)); // of more the simulation keeps no record
  let refused = 0;
  await until('the noise to be answered', async () => {
    const records = (await sim.get('/discord/interactions')).filter(({ id }) => ids.has(id));
    const said = records.filter(({ state }) => state === 'answered');
    refused = said.filter(({ answer }) => answer?.content.includes(busy)).length;
    const odd = said.find(({ answer }) => answer !== null && !/points|again in|busy/.test(answer.content));
    assert.equal(odd, undefined, `answered: ${odd?.answer.content}`);
    return said.length === ids.size;
  }, 60);
  return refused;
}

async function everyBookingIsInItsBalance(bot) {
  const rows = await bot.query(`SELECT count(*) AS n FROM balances b WHERE b.balance <> (SELECT coalesce(sum(l.amount), 0) FROM ledger l
    WHERE l.discord_server_id = b.discord_server_id AND l.unit = b.unit AND l.holder_id = b.holder_id)`);
  assert.equal(sum(rows, 'n'), 0);
}

describe('a noisy server', () => {
  for (const layout of full ? layouts : [oneFile, onPostgres]) {
    test(`a noisy server on ${layout.name}: the others are answered and booked, its overflow is refused in words`, { timeout: 300_000 }, async (t) => {
      const { sim, bot, api, places, administrator, storage } = await world(t, { layout, members: false });
      const noisy = places.servers[2]; // alone on its channel
      const quiet = administrator.filter(({ guild }) => guild !== noisy.id);
      const before = await correctInTurns(sim, quiet, places, 'before');

      // Where the database itself can keep one server waiting, it does: then its line is sure to fill.
      const held = storage.postgres?.begin(storage.database, `SELECT pg_advisory_lock(${noisy.id}); SELECT pg_sleep(60)`);
      const noise = makeNoise(sim, api, places, noisy);
      t.after(() => noise.end().catch(() => {}));
      const lines = {};
      if (held) await until('the line of the noisy server to be full', async () => (await figure(bot, 'guildhall_events_total{outcome="overloaded"}')) > 0, 60);
      const during = correctInTurns(sim, quiet, places, 'during');
      const watch = (async () => {
        for (let over = false; !over;) {
          await checkLines(bot, lines);
          over = await Promise.race([during.then(() => true), sleep(100).then(() => false)]);
        }
      })();
      const taken = await during;
      await watch;
      await noise.end();
      if (held) await storage.postgres.execute(storage.database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()");
      const refused = await noiseWasAnswered(sim, noise.asked);
      if (held) assert.ok(refused > 0, 'the line was full, and nobody was told');
      assert.ok(noise.reads[200] > 0, 'no reading was answered');
      assert.deepEqual(Object.keys(noise.reads).filter((status) => !['200', '429'].includes(status)), [], JSON.stringify(noise.reads));

      const booked = sum(await bot.query("SELECT count(*) AS n FROM ledger WHERE reason LIKE 'before %' OR reason LIKE 'during %'"), 'n');
      assert.equal(booked, 2 * quiet.length * rounds, 'a correction of a quiet server is not in the ledger');
      await everyBookingIsInItsBalance(bot);
      console.log(`# ${noise.asked.length} commands of a noisy server on ${layout.name}, ${refused} refused, readings ${JSON.stringify(noise.reads)}, longest lines ${JSON.stringify(lines)}; quiet servers before: ${figures(before)}; during: ${figures(taken)}`);
    });
  }
});
