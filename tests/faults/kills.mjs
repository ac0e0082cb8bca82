// kill -9 of the bot and of PostgreSQL under load.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http, sleep, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { layouts, onPostgres, sum } from '../support/layouts.mjs';
import { checkCorrections, checkNothingNegative, checkRecord, correct, correctOnce, settle, smallCount, world } from './world.mjs';

const kills = smallCount(10, 50);
const serverKills = smallCount(3, 20);

/** When everything has come to rest: nothing is lost, and nothing is there twice. */
async function checkAfter(stopCorrections, sim, bot) {
  const asked = await stopCorrections();
  await settle(sim, bot);
  const counts = await checkRecord(sim, bot);
  await checkNothingNegative(bot);
  return { counts, corrections: await checkCorrections(sim, bot, asked) };
}

describe('kill -9', { concurrency: 4 }, () => {
  for (const layout of layouts) {
    test(`killed ${kills} times under load on ${layout.name}, it goes on by itself and has lost and doubled nothing`, { timeout: 1_200_000 }, async (t) => {
      const { sim, bot, places, administrator } = await world(t, { layout });
      const stopCorrections = correct(sim, administrator, places);
      for (let i = 0; i < kills; i += 1) {
        await sleep(400 + Math.random() * 2_000);
        await bot.process.stop('SIGKILL');
        bot.begin();
        await bot.ready();
      }
      await sleep(1_000);
      const { counts, corrections } = await checkAfter(stopCorrections, sim, bot);
      console.log(`# ${kills} kills on ${layout.name}: ${counts.kick_events} events of Kick, ${counts.points_awarded} points awarded, corrections ${JSON.stringify(corrections)}`);
    });
  }

  test(`PostgreSQL killed ${serverKills} times under load: the bot waits for it, and what was answered is there, once`, { timeout: 600_000 }, async (t) => {
    const postgres = await startPostgres();
    const { sim, bot, places, administrator } = await world(t, { layout: onPostgres, postgres });
    const stopCorrections = correct(sim, administrator, places);
    for (let i = 0; i < serverKills; i += 1) {
      await sleep(1_500 + Math.random() * 2_000);
      await postgres.kill();
      await sleep(Math.random() * 1_000);
      await postgres.restart();
      await until('the bot to be ready again', async () => (await http('GET', `${bot.url}/readyz`)).status === 200, 60);
    }
    await sleep(3_000);
    const { counts, corrections } = await checkAfter(stopCorrections, sim, bot);
    assert.equal(bot.process.child.exitCode, null, 'the bot ended');
    console.log(`# ${serverKills} kills of PostgreSQL: ${counts.kick_events} events of Kick, corrections ${JSON.stringify(corrections)}`);
  });

  test('PostgreSQL that stands still: who waits is told so, and when it goes on, so does everything', { timeout: 180_000 }, async (t) => {
    const postgres = await startPostgres();
    const { sim, bot, places, administrator } = await world(t, { layout: onPostgres, postgres, members: false });
    const pids = postgres.pids();
    const signal = (name) => pids.forEach((pid) => process.kill(pid, name));
    t.after(() => {
      try {
        signal('SIGCONT');
      } catch {
        // Some have ended.
      }
    });
    const [member] = places.servers[0].members;
    const ask = (amount) => correctOnce(sim, administrator[0], member.id, amount, `correction ${amount}`);
    const answer = async ({ id }) => (await sim.get('/discord/interactions')).find((one) => one.id === id)?.answer?.content ?? '';
    signal('SIGSTOP');
    const asked = [await ask(1), await ask(2), await ask(3)];
    const refusal = await until('an answer while nothing moves', () => answer(asked[2]), 40);
    assert.doesNotMatch(refusal, /got 3 points/);
    signal('SIGCONT');
    asked.push(await ask(4));
    await until('the next to be booked', async () => /got 4 points/.test(await answer(asked[3])), 60);
    await sleep(1_000);
    const booked = sum(await bot.query("SELECT count(*) AS n FROM ledger WHERE reason = 'correction 3'"), 'n');
    assert.equal(booked, 0, 'it was refused');
    await checkCorrections(sim, bot, asked, { mayExpire: true });
  });
});
