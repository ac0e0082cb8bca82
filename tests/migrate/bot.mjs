// The bot and the migration tool on one database: what the running bot needs stays, a signal at its start leaves
// nothing half done, and commands leave an older database to the bot of its time.
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Bot, freePort, root, run, temporaryFolder, until } from '../support/guildhall.mjs';
import { filePerServer, layouts, oneFile, onPostgres } from '../support/layouts.mjs';
import { postgres } from './support.mjs';

const bots = [];
after(() => Promise.all(bots.map((bot) => bot.process?.stop('SIGKILL'))));

/** A bot on an own database: {bot, admin, read}, `admin` an address that may change the schema. */
async function place(layout) {
  const dataDir = temporaryFolder();
  const opened = await layout.open({ dataDir, postgres: layout === onPostgres ? await postgres() : undefined });
  const bot = new Bot({ dataDir, port: await freePort(), env: opened.env });
  const admin = layout === onPostgres ? opened.postgres.url('postgres', opened.database) : opened.address;
  const schema = layout === onPostgres ? 'guildhall.' : '';
  return { bot, admin, schema, ...opened };
}
async function running(where) {
  where.bot.begin();
  bots.push(where.bot);
  await where.bot.ready();
}
/** The files of this version and two more: a column comes, and goes again. */
function nextVersion({ schema }) {
  const dir = temporaryFolder();
  for (const name of readdirSync(join(root, 'migrations'))) copyFileSync(join(root, 'migrations', name), join(dir, name));
  writeFileSync(join(dir, '0901_more.sql'), `-- guildhall: phase=expand\nALTER TABLE ${schema}setting_defaults ADD COLUMN more TEXT;`);
  writeFileSync(join(dir, '0902_less.sql'), `-- guildhall: phase=contract allow=L03 reason="nobody reads it"\nALTER TABLE ${schema}setting_defaults DROP COLUMN more;`);
  return dir;
}

describe('the bot beside the tool', { concurrency: 2 }, () => {
  for (const layout of [oneFile, onPostgres]) {
    test(`a contract waits for the running bot, on ${layout.name}`, { timeout: 120_000 }, async () => {
      const where = await place(layout);
      const dir = nextVersion(where);
      const up = (...more) => run(['migrate', 'up', '--dir', dir, '--url', where.admin, '--no-backup', '--i-accept-data-loss', ...more]);
      const readers = async () => (await where.read(`SELECT name FROM ${where.schema}migration_readers`)).map(({ name }) => name);
      await running(where);
      assert.match((await readers()).join(), new RegExp(`^guildhall@.+ pid ${where.bot.process.child.pid} \\S+$`));
      const expanded = await up('--to', '0901');
      assert.equal(expanded.code, 0, expanded.stderr);
      const refused = await up();
      assert.equal(refused.code, 6, refused.stdout);
      assert.match(refused.stderr, /^MG-READERS: 0902_less takes away .*: guildhall@.* pid \d+ .*written for 0013_links, heartbeat \d+ s ago\)/m);

      await where.bot.process.stop('SIGKILL');
      assert.equal((await up()).code, 6, 'it may be back in a moment');
      // A bot that knows nothing of 0901 does not start on it.
      assert.equal((await run(['migrate', 'down', '0901', '--dir', dir, '--url', where.admin, '--no-backup', '--i-accept-data-loss', '--confirm-data-loss'])).code, 0);
      await running(where);
      assert.equal((await readers()).length, 1, 'the row of the one that was killed is gone');
      assert.equal((await where.bot.process.stop('SIGTERM')).code, 0);
      assert.deepEqual(await readers(), []);
      const done = await up();
      assert.equal(done.code, 0, done.stderr);
    });
  }

  for (const layout of layouts) {
    test(`commands leave an older database alone and name the way out, on ${layout.name}`, { timeout: 120_000 }, async () => {
      const where = await place(layout);
      const { bot } = where;
      const call = async (...words) => {
        const result = await bot.command(...words);
        assert.equal(result.code, 0, `${words.join(' ')}: ${result.stderr}`);
        return result;
      };
      await call('server', 'add', '-7', 'Alone');
      const scratch = layout === onPostgres ? ['--scratch-url', (await postgres()).url('postgres', 'postgres')] : [];
      const back = layout === filePerServer ? ['--to', '0012'] : [];
      await call('migrate', 'down', ...back, '--confirm-data-loss', ...scratch);
      const applied = async () => (await bot.commandJson('migrate', 'status')).counts;
      const before = await applied();
      for (const words of [['server', 'list'], ['server', 'add', '-8', 'Other'], ['settings', 'list', '--global'], ['settings', 'set', '--server', '-7', 'language', 'de'], ['login-code'], ['doctor', 'isolation']]) {
        const refused = await bot.command(...words);
        assert.equal(refused.code, 5, `${words.join(' ')}: ${refused.stdout}${refused.stderr}`);
        assert.match(refused.stderr, /is older than this program: it lacks migration 0013_links\nhint: `guildhall migrate up` brings it up to date/);
        assert.equal(refused.stdout, '');
      }
      assert.deepEqual(await applied(), before);
      if (layout === filePerServer) {
        const file = join(bot.dataDir, 'servers/servers/-7.db');
        copyFileSync(file, `${file}.older`);
        await call('migrate', 'up');
        renameSync(`${file}.older`, file);
        const lagging = await bot.command('settings', 'list', '--server', '-7');
        assert.equal(lagging.code, 5, lagging.stderr);
        assert.match(lagging.stderr, /-7\.db' is older than this program: it lacks migration 0013_links\nhint: `guildhall migrate up`/);
      }
      await call('migrate', 'up', ...scratch);
      assert.match((await call('server', 'list')).stdout, /Alone/);
      await call('settings', 'set', '--server', '-7', 'language', 'de');
    });
  }

  for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
    test(`${signal} while the bot's start changes the schema: rolled back, and the next start goes on`, { timeout: 120_000 }, async () => {
      const where = await place(onPostgres);
      const { bot } = where;
      const down = await bot.command('migrate', 'down', '--to', '0003', '--confirm-data-loss', '--no-backup', '--i-accept-data-loss');
      assert.equal(down.code, 0, down.stderr);
      // What is to refer to servers waits for whoever writes there; dumping them does not.
      where.postgres.begin(where.database, 'BEGIN; LOCK TABLE guildhall.servers IN ROW EXCLUSIVE MODE; SELECT pg_sleep(100)');
      const locks = async (granted) => (await where.read(`SELECT pid FROM pg_locks WHERE relation = 'guildhall.servers'::regclass AND mode LIKE '%RowExclusiveLock' AND granted = ${granted}`)).map(({ pid }) => pid);
      await until('somebody to write', async () => (await locks(true)).length > 0);
      const [holder] = await locks(true);
      bot.begin();
      bots.push(bot);
      await until('the bot to wait', async () => (await locks(false)).length > 0);
      const begun = Date.now();
      const ended = await bot.process.stop(signal);
      assert.equal(ended.code, code, bot.process.stderr());
      assert.ok(Date.now() - begun < 10_000);
      assert.match(bot.process.stderr(), /interrupted/);
      assert.deepEqual(await where.read('SELECT * FROM guildhall.migration_lock'), []);
      assert.deepEqual(await where.read("SELECT relname FROM pg_class WHERE relname = 'import_carried'"), []);
      await where.postgres.execute(where.database, `SELECT pg_terminate_backend(${holder})`);
      await running(where);
      assert.equal((await bot.commandJson('migrate', 'status')).counts.pending, 0);
      await bot.process.stop('SIGTERM');
    });
  }
});
