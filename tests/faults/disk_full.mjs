// The disk of the database is full while members and administrators go on: what cannot be written is refused
// and not acknowledged, the bot stays, and goes on by itself when there is space again.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { http, sleep, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { smallDisk } from '../support/small_disk.mjs';
import { checkCorrections, checkNothingNegative, checkRecord, correct, figure, settle, world } from './world.mjs';
import { layouts, oneFile, onPostgres, sum } from '../support/layouts.mjs';

const failed = 'Something went wrong on our side';
const told = 'the disk of the database is full: nothing is written until there is space again';

/** A world whose database lies on a disk that can be filled. */
async function worldOnSmallDisk(t, layout, limited) {
  const writers = () => (layout === onPostgres ? postgres.pids() : [made.bot.process.child.pid]);
  const disk = smallDisk(t, layout.megabytes, { writers, limited });
  const postgres = layout === onPostgres ? await startPostgres(disk.folder) : undefined;
  if (postgres) t.after(() => postgres.stop());
  const made = await world(t, { layout, postgres, dataDir: postgres ? undefined : join(disk.folder, 'bot') });
  return { ...made, disk, postgres };
}

/** How an interaction was answered; undefined: not yet. */
async function answerOf(sim, { id }) {
  const [record] = await sim.get(`/discord/interactions?id=${id}`);
  return record?.state === 'answered' ? (record.answer?.content ?? '') : undefined;
}

const isBooked = async (bot, { id }) => (await bot.query(`SELECT operation_id FROM ledger WHERE operation_id = 'discord:${id}'`)).length > 0;

/** A correction that is asked now is answered as done, and is in the ledger. */
async function correctionsWork(sim, bot, corrections) {
  const from = corrections.asked.length;
  const done = await until('a correction to be done', async () => {
    for (const one of corrections.asked.slice(from)) {
      if ((await answerOf(sim, one))?.includes(`got ${one.amount} points`)) return one;
    }
    return undefined;
  }, 60);
  assert.ok(await isBooked(bot, done), 'answered, and not in the ledger');
}

/** Who was told that it failed asks again: then it must not have been done after all. */
async function refusedIsNotBooked(sim, bot, asked) {
  const booked = new Set((await bot.query("SELECT operation_id FROM ledger WHERE kind = 'admin_adjust'")).map((row) => row.operation_id));
  for (const one of asked) {
    if ((await answerOf(sim, one))?.includes(failed)) assert.ok(!booked.has(`discord:${one.id}`), `"${one.reason}" was refused, and is in the ledger`);
  }
}

/** Until then nothing could be paid twice. */
const pointsArePaid = (bot) => until('watching to be paid for', async () => sum(await bot.query("SELECT count(*) AS n FROM ledger WHERE kind <> 'admin_adjust'"), 'n') > 0, 60);

/** One correction of those asked from now on is refused in words, and webhooks are not answered 200. */
async function writingIsRefused(sim, bot, corrections) {
  const from = corrections.asked.length;
  const refused = await until('a correction to be refused', async () => {
    for (const one of corrections.asked.slice(from)) {
      if ((await answerOf(sim, one))?.includes(failed)) return one;
    }
    return undefined;
  }, 60);
  await until('webhooks that wait to be taken', async () => (await sim.get('/healthz')).webhooks_waiting > 0);
  return refused;
}

describe('a full disk', { concurrency: 4 }, () => {
  for (const [layout, limited] of [...layouts.map((one) => [one, false]), [oneFile, true]]) {
    test(`a full disk under ${layout.name}${limited ? ', by a limit on the size of files' : ''}: it is said, nothing is lost, and it goes on by itself`, { timeout: 300_000 }, async (t) => {
      const { sim, bot, api, places, administrator, disk, postgres, storage } = await worldOnSmallDisk(t, layout, limited);
      const corrections = correct(sim, administrator, places);
      await sleep(1_000);

      disk.fill();
      const refused = await writingIsRefused(sim, bot, corrections);
      assert.equal((await http('GET', `${bot.url}/healthz`)).status, 200);
      if (!postgres || disk.mounted) {
        const { status, text } = await http('GET', `${bot.url}/readyz`);
        assert.equal(status, 200, text);
        for (const path of ['', '/points/history', '/leaderboard?of=points', '/activity']) {
          const answer = await api('GET', `/api/v1/servers/${places.servers[0].id}${path}`);
          assert.equal(answer.status, 200, `${path}: ${answer.text}`);
        }
        assert.ok((await figure(bot, 'guildhall_db_full_total')) > 0);
        assert.ok(bot.process.stderr().includes(told), 'the log does not name the full disk');
      }
      disk.free();
      await until('the bot to be ready again', async () => {
        if (postgres && postgres.pids().length === 0) await postgres.restart(); // as a service manager does
        return (await http('GET', `${bot.url}/readyz`)).status === 200;
      }, 60);
      await correctionsWork(sim, bot, corrections);
      assert.equal(await isBooked(bot, refused), false, 'a correction was refused, and is in the ledger');
      assert.equal(bot.process.child.exitCode, null, 'the bot ended');

      await pointsArePaid(bot);

      // Once more, and now it dies of it: the bot, or the database.
      disk.fill();
      await writingIsRefused(sim, bot, corrections);
      if (postgres) {
        await postgres.execute(storage.database, 'SELECT pg_switch_wal()').catch(() => {});
        await until('PostgreSQL to end', () => postgres.pids().length === 0, 30);
        assert.equal((await http('GET', `${bot.url}/healthz`)).status, 200);
        disk.free();
        await postgres.restart();
      } else {
        await bot.process.stop('SIGKILL');
        disk.free();
        bot.begin();
      }
      await bot.ready(60);
      await correctionsWork(sim, bot, corrections);
      const asked = await corrections();
      await settle(sim, bot);
      const counts = await checkRecord(sim, bot);
      await checkNothingNegative(bot);
      // Ten minutes of the world are 20 s here; under the limit PostgreSQL is away for most of that.
      const summary = await checkCorrections(sim, bot, asked, { mayExpire: Boolean(postgres) && !disk.mounted });
      if (!postgres) await refusedIsNotBooked(sim, bot, asked); // of a lost connection nobody knows
      console.log(`# 2 full disks (${disk.kind}) under ${layout.name}: ${counts.kick_events} events of Kick, corrections ${JSON.stringify(summary)}`);
    });
  }
});
