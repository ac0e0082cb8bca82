// Guildhall's own schema: databases as released versions left them (released/VERSION) come up to date by `migrate up`
// and by the bot's start, and by no other command, keep every row, and have the schema that a new one has; `migrate` without --dir goes back and
// forth on them.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, describe, test } from 'node:test';
import { Bot, freePort, queryFile, run, temporaryFolder } from '../support/guildhall.mjs';
import { setUp } from '../support/postgres.mjs';
import { check } from './answers.mjs';
import { postgres } from './support.mjs';

const released = fileURLToPath(new URL('./released', import.meta.url));
const servers = ['763742587306794177', '763742591404955342', '763742595502411757'];

const bots = [];
after(() => Promise.all(bots.map((bot) => bot.stop('SIGKILL'))));

async function done(result) {
  const { code, stdout, stderr } = await result;
  assert.equal(code, 0, `${stdout}${stderr}`);
  return stdout;
}

/** All that is not the journal's: {table: rows}. */
async function rowsOf(file) {
  const tables = await queryFile(file, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'migration_%' ORDER BY 1");
  const rows = {};
  for (const { name } of tables) rows[name] = await queryFile(file, `SELECT * FROM "${name}"`);
  return rows;
}
/** Of the tables and columns there are now those that were there then. */
const kept = (now, then) => Object.fromEntries(Object.keys(then).map((key) => [key, Array.isArray(then[key]) ? now[key].map((row) => columns(row, then[key][0])) : kept(now[key], then[key])]));
const columns = (row, of = row) => Object.fromEntries(Object.keys(of).map((name) => [name, row[name]]));
/** What ties a table to its file's server stands behind the columns of the time when it was tied: what came later is behind it. */
const tie = /, file_server INTEGER GENERATED ALWAYS AS \(.*?\) VIRTUAL CHECK \(.*?\)/;
const schemaOf = async (file) =>
  (await queryFile(file, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY 1")).map(({ name, sql }) => ({ name, sql: sql.replace(tie, ''), tie: tie.exec(sql)?.[0] }));

const none = { up_to_date: 0, pending: 0, midway: 0, drift: 0, failed: 0 };
/** Of a database that is one. */
const single = { upToDate: Array(13).fill('applied'), oneDown: [...Array(12).fill('applied'), 'pending'], back: [] };

/** {call(...words), folder, rows(), schema()} of a database of that version, as it was left. */
const places = {
  async sqlite(version) {
    const folder = temporaryFolder();
    const file = join(folder, 'guildhall.db');
    await done(run([file, `.read ${join(released, version, 'sqlite.sql')}`], { program: 'sqlite3' }));
    return { env: {}, call: (...words) => run([...words, '--data-dir', folder]), folder, rows: () => rowsOf(file), schema: () => schemaOf(file), ...single };
  },
  async 'sqlite-per-server'(version) {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'all/servers'), { recursive: true });
    const files = { directory: join(folder, 'all/directory.db') };
    for (const server of servers) files[server] = join(folder, `all/servers/${server}.db`);
    for (const [name, file] of Object.entries(files)) await done(run([file, `.read ${join(released, version, `${name}.sql`)}`], { program: 'sqlite3' }));
    const of = (read) => async () => Object.fromEntries(await Promise.all(Object.entries(files).map(async ([name, file]) => [name, await read(file)])));
    const env = { GUILDHALL_DATABASE_URL: 'sqlite-per-server:all' };
    return { env, call: (...words) => run([...words, '--data-dir', folder], { env }), folder, rows: of(rowsOf), schema: of(schemaOf), upToDate: { ...none, up_to_date: 4 }, oneDown: { ...none, pending: 4 }, back: ['--to', '0003'] };
  },
  async postgres(version) {
    const pg = await postgres();
    const name = `released_${version.replaceAll('.', '_')}`;
    await setUp(pg, 'fresh');
    const env = Object.fromEntries(['', 'TICK_', 'MIGRATE_'].map((login) => [`GUILDHALL_DATABASE_${login}URL`, pg.url(`guildhall_${login.toLowerCase().replace('_', '') || 'app'}`, name)]));
    await pg.execute('postgres', `CREATE DATABASE ${name} OWNER guildhall_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'`);
    await done(run(['-Xq', '-v', 'ON_ERROR_STOP=1', '-f', join(released, version, 'postgres.sql'), pg.url('postgres', name)], { program: '/usr/lib/postgresql/15/bin/psql' }));
    await pg.execute(name, `REVOKE ALL ON DATABASE ${name} FROM PUBLIC; GRANT CONNECT ON DATABASE ${name} TO guildhall_app, guildhall_tick, guildhall_migrate, guildhall_ro`);
    const tables = (await pg.query(name, "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'guildhall'::regnamespace AND relname NOT LIKE 'migration_%' ORDER BY 1")).map((row) => row.name);
    const folder = temporaryFolder();
    return {
      env,
      call: (...words) => run([...words, '--data-dir', folder], { env }),
      folder,
      rows: async () => Object.fromEntries(await Promise.all(tables.map(async (table) => [table, await pg.query(name, `SELECT * FROM ${table} ORDER BY 1, 2`)]))),
      schema: async (database = name) => (await pg.program('pg_dump', ['-s', pg.url('postgres', database)])).stdout.replaceAll(/^\\(un)?restrict .*$/gm, ''),
      fresh: 'fresh',
      ...single,
    };
  },
};

describe('databases of released versions', () => {
  for (const version of readdirSync(released)) {
    for (const [layout, make] of Object.entries(places)) {
      test(`${version} on ${layout}: comes up to date with every row, and goes down and up`, async () => {
        const place = await make(version);
        const before = await place.rows();
        const early = await place.call('server', 'list');
        assert.equal(early.code, 5, early.stderr);
        assert.match(early.stderr, /older than this program.*\nhint: `guildhall migrate up` brings it up to date/);
        const proof = layout === 'postgres' ? ['--scratch-url', (await postgres()).url('postgres', 'postgres')] : [];
        await done(place.call('migrate', 'up', ...proof));
        assert.deepEqual(kept(await place.rows(), before), before, 'every row is as it was');
        await done(place.call('server', 'list'));
        for (const server of servers) await done(place.call('settings', 'list', '--server', server));
        await done(place.call('doctor', 'isolation', '--catalog'));

        const states = async () => {
          const answer = JSON.parse(await done(place.call('migrate', 'status', '--json')));
          check('status', answer, 0);
          if (answer.fleet) return answer.counts;
          assert.deepEqual([...new Set(answer.migrations.map(({ down }) => down))], ['file']);
          return answer.migrations.map(({ state }) => state);
        };
        const upToDate = await states();
        assert.deepEqual(upToDate, place.upToDate);
        if (place.fresh) assert.equal(await place.schema(), await place.schema(place.fresh), 'the schema is that of a new database');

        const schema = await place.schema();
        await done(place.call('migrate', 'down', ...place.back, '--confirm-data-loss', ...proof));
        assert.deepEqual(await states(), place.oneDown);

        // The bot's own start does the same as `migrate up`; a server's own file comes along when the bot uses it.
        writeFileSync(join(place.folder, 'secrets.key'), `k1 ${'0'.repeat(64)}\n`, { mode: 0o600 }); // it lies beside the database
        const bot = new Bot({ dataDir: place.folder, port: await freePort(), env: place.env });
        bots.push(bot.begin());
        await bot.ready();
        const api = await bot.signIn();
        for (const server of servers) assert.equal((await api('GET', `/api/v1/servers/${server}/settings`)).status, 200);
        for (const server of servers) await done(place.call('settings', 'list', '--server', server));
        assert.equal((await bot.process.stop('SIGTERM')).code, 0);
        assert.deepEqual(await states(), upToDate);
        assert.deepEqual(await place.schema(), schema);
        await done(place.call('doctor', 'isolation', '--catalog'));
        const backups = readdirSync(join(place.folder, 'backups')).filter((name) => !name.endsWith('.json'));
        assert.ok(backups.length >= 2, `before each change one was taken: ${backups}`);
      });
    }
  }
});
