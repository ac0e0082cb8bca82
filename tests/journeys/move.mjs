// A database moves between the three layouts, as an operator does it: from the command line, with a crash
// in the middle, and looked at from outside before and after.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { binary, full, root, run, sleep, start, temporaryFolder, until } from '../support/guildhall.mjs';

const program = async (name, args) => {
  const result = await run(args, { program: name, timeout: 120_000 });
  assert.equal(result.code, 0, `${name} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
};
const sqlite = (file, sql) => program('sqlite3', [file, sql]);

const checksum = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Of each table that a move carries: its rows as SQLite's own tool writes them, hashed. */
async function dump(file) {
  const tables = (await sqlite(file, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'migration_journal' ORDER BY 1")).trim().split('\n');
  const output = `${file}.rows`;
  const hashes = {};
  for (const table of tables) {
    await program('sqlite3', [file, '.mode quote', `.once ${output}`, `SELECT '${table}', * FROM ${table} ORDER BY 2, 3`]);
    hashes[table] = checksum(output);
  }
  return hashes;
}

/** A database that the program has made, with two servers and some rows in each. */
async function madeDatabase(rows = 200) {
  const folder = temporaryFolder();
  for (const id of ['-7', '-8', '-9']) assert.equal((await run(['server', 'add', id, `Server ${id}`, '--data-dir', folder])).code, 0);
  assert.equal((await run(['settings', 'set', '--server', '-7', 'language', 'de', '--data-dir', folder])).code, 0);
  assert.equal((await run(['settings', 'set', '--global', 'points_per_5min', '9', '--data-dir', folder])).code, 0);
  await sqlite(join(folder, 'guildhall.db'), `
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO persons SELECT -7 - i % 2, i, char(39, 34, 92, 10, 9, 128512) || i, 9223372036854775807 - i FROM n;
    INSERT INTO watchtime SELECT discord_server_id, person_id, 100, 50, -1, 1 FROM persons;
    INSERT INTO channels (platform, platform_user_id, slug, name, live, live_since, access_token, refresh_token, token_expires_at, token_state, updated_at)
      VALUES ('kick', '1', 'owl', 'Owl', 'unknown', NULL, x'00ff00', x'', NULL, 'none', 1)`);
  return folder;
}

const move = (folder, from, to, ...more) => run(['move', '--data-dir', folder, '--from', from, '--to', to, ...more], { timeout: 120_000 });

async function moved(folder, from, to, ...more) {
  const result = await move(folder, from, to, '--json', ...more);
  assert.equal(result.code, 0, result.stderr);
  assert.equal(result.stdout.trim().split('\n').length, 1, 'one JSON object and nothing else');
  return JSON.parse(result.stdout);
}

const refused = (result, code, ...sentences) => {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  for (const sentence of sentences) assert.match(result.stderr, sentence);
  assert.equal(result.stdout, '', 'nothing but answers belongs on stdout');
};

/** A PostgreSQL of our own, with the roles of an installation and an empty database. */
async function privatePostgres() {
  const folder = join(temporaryFolder(), 'pg');
  const script = join(root, 'tools/private_postgres.sh');
  // Whoever runs the server as another user has to reach the folder.
  await program('chmod', ['711', join(folder, '..')]);
  const admin = (await program(script, ['start', folder])).trim();
  const as = (login, database = 'guildhall') => admin.replace('operator@', `${login}@`).replace(/postgres$/, database);
  const logins = ['guildhall_app', 'guildhall_tick', 'guildhall_migrate', 'guildhall_ro'];
  const sql = (address, ...statements) => program('psql', ['-q', '-v', 'ON_ERROR_STOP=1', address, ...statements.flatMap((one) => ['-c', one])]);
  await sql(admin, 'CREATE ROLE guildhall_owner NOLOGIN', ...logins.map((login) => `CREATE ROLE ${login} LOGIN`),
    'GRANT guildhall_owner TO guildhall_migrate, CURRENT_USER',
    "CREATE DATABASE guildhall OWNER guildhall_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'");
  await sql(as('operator'), 'SET ROLE guildhall_owner', 'CREATE SCHEMA guildhall AUTHORIZATION guildhall_owner',
    `GRANT USAGE ON SCHEMA guildhall TO ${logins.join(', ')}`);
  return { as, sql, stop: () => program(script, ['stop', folder]) };
}

test('from one file to a file per server and back: nothing changes on the way', async () => {
  const folder = await madeDatabase();
  const file = join(folder, 'guildhall.db');
  const expected = await dump(file);
  const bytes = checksum(file);
  const there = await moved(folder, 'sqlite:guildhall.db', 'sqlite-per-server:per');
  assert.equal(there.servers, 3);
  assert.equal(there.tables.persons.rows, 200);
  assert.deepEqual(readdirSync(join(folder, 'per/servers')).sort(), ['-7.db', '-8.db', '-9.db']);
  assert.equal(await sqlite(join(folder, 'per/directory.db'), 'SELECT count(*) FROM persons'), '0\n');
  assert.equal(await sqlite(join(folder, 'per/servers/-8.db'), 'SELECT count(DISTINCT discord_server_id), min(discord_server_id), count(*) FROM persons'), '1|-8|100\n');
  const back = await moved(folder, 'sqlite-per-server:per', 'sqlite:back.db');
  assert.deepEqual(back.tables, there.tables, 'checksums are the same on every layout');
  assert.deepEqual(await dump(join(folder, 'back.db')), expected);
  assert.equal(checksum(file), bytes, 'the source was only read');
  assert.ok(!existsSync(`${file}-wal`) && !existsSync(`${file}-shm`), 'nothing was left beside the source');
  const setting = await run(['settings', 'get', '--server', '-7', 'language', '--data-dir', folder, '--url', 'sqlite-per-server:per']);
  assert.match(setting.stdout, /de/, setting.stderr);
});

test('without a terminal there is no progress, and people are told what to do next', async () => {
  const folder = await madeDatabase();
  const { code, stdout, stderr } = await move(folder, 'sqlite:guildhall.db', 'sqlite-per-server:per');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Moved \d+ rows of 3 servers/);
  assert.match(stdout, /url = "sqlite-per-server:per" below \[database\]/);
  assert.equal(stderr, '');
});

test('on a terminal it tells how far it is and how long it will take', async () => {
  const folder = await madeDatabase(900_000); // more than a fast machine moves in two seconds
  const shell = `"${binary}" move --data-dir "${folder}" --from sqlite:guildhall.db --to sqlite:copy.db --json >"${folder}/answer"`;
  const { code, stdout } = await run(['-qec', shell, '/dev/null'], { program: 'script', timeout: 120_000 });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /(copied|compared) \d+ of 18000\d+ rows \(\d+ %\), about \d+ s left/);
  assert.equal(JSON.parse(readFileSync(join(folder, 'answer'), 'utf8')).tables.persons.rows, 900_000);
});

const hasMark = (file) => existsSync(file) && run([file, 'SELECT source FROM move_progress'], { program: 'sqlite3' }).then(({ code }) => code === 0);

for (const [to, file] of [['sqlite-per-server:per', 'per/directory.db'], ['sqlite:copy.db', 'copy.db']]) {
  test(`killed again and again on the way to ${to}, it goes on and arrives whole`, async () => {
    const folder = await madeDatabase(40_000);
    const expected = await dump(join(folder, 'guildhall.db'));
    const kills = full ? 25 : 5;
    let landed = 0;
    for (let kill = 0; kill < kills; ++kill) {
      const one = start(['move', '--data-dir', folder, '--from', 'sqlite:guildhall.db', '--to', to, '--resume']);
      if (kill === 0) await until('the move to begin', () => hasMark(join(folder, file)));
      await sleep(20 + Math.random() * 150);
      const { signal } = await one.stop('SIGKILL');
      if (signal !== 'SIGKILL') break; // it was faster: done
      ++landed;
    }
    assert.ok(landed > 0, 'not one kill came in time');
    if (await hasMark(join(folder, file))) {
      refused(await run(['server', 'list', '--data-dir', folder, '--url', to]), 6, /move that has not ended/, /--resume/);
      refused(await move(folder, 'sqlite:guildhall.db', to), 6, /interrupted/, /--resume/);
      assert.equal((await moved(folder, 'sqlite:guildhall.db', to, '--resume')).resumed, true);
    }
    if (to.startsWith('sqlite-per-server')) await moved(folder, to, 'sqlite:copy.db');
    assert.deepEqual(await dump(join(folder, 'copy.db')), expected);
    assert.equal((await run(['server', 'list', '--data-dir', folder, '--url', to])).code, 0);
  });
}

test('what cannot be moved is refused with a reason and a code', async () => {
  const folder = await madeDatabase(2);
  const other = await madeDatabase(2);
  refused(await move(folder, 'sqlite:guildhall.db', 'sqlite:./guildhall.db'), 2, /one place/);
  refused(await move(folder, 'sqlite:guildhall.db', 'mysql://host/db'), 2, /--to/, /sqlite-per-server/);
  refused(await run(['move', '--from', 'sqlite:guildhall.db', '--data-dir', folder]), 2, /--to URL is missing/);
  refused(await move(folder, 'sqlite:guildhall.db', `sqlite:${other}/guildhall.db`), 6, /not empty/, /has rows/);
  refused(await move(folder, 'sqlite:nothing.db', 'sqlite:new.db'), 3, /there is no database/);
  refused(await move(folder, 'sqlite:guildhall.db', 'postgres://guildhall_migrate@127.0.0.1:1/guildhall'), 3, /127\.0\.0\.1:1/);
  await sqlite(join(folder, 'notes.db'), 'CREATE TABLE notes (x)');
  refused(await move(folder, 'sqlite:notes.db', 'sqlite:new.db'), 5, /no Guildhall database/);
  refused(await move(folder, 'sqlite:guildhall.db', 'sqlite:notes.db'), 6, /another program/);
  await sqlite(join(other, 'guildhall.db'), "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_by, tool_version) VALUES ('9999_later', 'up', 'applied', 'x', 0, 'x', 'x')");
  refused(await move(other, 'sqlite:guildhall.db', 'sqlite:new.db'), 5, /newer/);
  await sqlite(join(other, 'guildhall.db'), 'DROP TRIGGER migration_journal_no_delete; DELETE FROM migration_journal WHERE seq = 1 OR name = \'9999_later\'');
  refused(await move(other, 'sqlite:guildhall.db', 'sqlite:new.db'), 5, /older/);
  writeFileSync(join(folder, 'damaged.db'), 'x'.repeat(20_000));
  refused(await move(folder, 'sqlite:damaged.db', 'sqlite:new.db'), 3, /damaged/);
  assert.ok(!existsSync(join(folder, 'new.db')) && !existsSync(join(other, 'new.db')), 'a refused move makes nothing');
});

test('while a bot runs on either end nothing moves', async (t) => {
  const folder = await madeDatabase(2);
  const bot = start(['run', '--data-dir', folder, '--listen', '127.0.0.1:0']);
  t.after(() => bot.stop('SIGKILL'));
  await until('the bot to hold its database', async () => /Guildhall runs/.test(bot.stderr()));
  refused(await move(folder, 'sqlite:guildhall.db', 'sqlite:new.db'), 4, /runs already: process \d+/);
  const other = await madeDatabase(2);
  refused(await move(other, 'sqlite:guildhall.db', `sqlite:${folder}/guildhall.db`), 4, /runs already/);
});

test('a full disk is said, and the move goes on when there is room', async (t) => {
  const folder = await madeDatabase(20_000);
  const small = join(folder, 'small');
  mkdirSync(small);
  const mounted = await run(['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', small], { program: 'mount' });
  if (mounted.code === 0) {
    t.after(() => run([small], { program: 'umount' }));
    refused(await move(folder, 'sqlite:guildhall.db', 'sqlite:small/copy.db'), 3, /disk of '.*' is full|disk is full/, /--resume/);
    await program('mount', ['-o', 'remount,size=64m', small]);
  } else {
    // Without the right to mount: no file of the process may grow beyond this.
    const shell = `ulimit -f 1200; trap '' XFSZ; exec "${binary}" move --data-dir "${folder}" --from sqlite:guildhall.db --to sqlite:small/copy.db`;
    refused(await run(['-c', shell], { program: 'bash' }), 3, /--resume/);
  }
  assert.equal((await moved(folder, 'sqlite:guildhall.db', 'sqlite:small/copy.db', '--resume')).resumed, true);
  assert.deepEqual(await dump(join(small, 'copy.db')), await dump(join(folder, 'guildhall.db')));
});

test('PostgreSQL', async (t) => {
  let server;
  before(async () => (server = await privatePostgres()));
  after(() => server?.stop());

  await t.test('from a file to PostgreSQL, from there to files and to a file: nothing changes on the way', async () => {
    const folder = await madeDatabase();
    const expected = await dump(join(folder, 'guildhall.db'));
    const there = await moved(folder, 'sqlite:guildhall.db', server.as('guildhall_migrate'));
    assert.equal(there.tables.persons.rows, 200);
    const listed = await run(['server', 'list', '--json', '--data-dir', folder], {
      env: { GUILDHALL_DATABASE_URL: server.as('guildhall_app'), GUILDHALL_DATABASE_TICK_URL: server.as('guildhall_tick') },
    });
    assert.equal(listed.code, 0, listed.stderr);
    assert.equal(JSON.parse(listed.stdout).servers.length, 3);
    await moved(folder, server.as('guildhall_ro'), 'sqlite:back.db');
    assert.deepEqual(await dump(join(folder, 'back.db')), expected);
    await moved(folder, server.as('guildhall_migrate'), 'sqlite-per-server:per');
    const files = await moved(folder, 'sqlite-per-server:per', 'sqlite:again.db');
    assert.deepEqual(await dump(join(folder, 'again.db')), expected);
    assert.deepEqual(files.tables, there.tables);
    refused(await move(folder, server.as('guildhall_app'), 'sqlite:new.db'), 6, /every server's rows/, /guildhall_ro/);
    refused(await move(folder, server.as('guildhall_migrate'), server.as('guildhall_migrate')), 2, /one database/);
    refused(await move(folder, 'sqlite:guildhall.db', server.as('guildhall_migrate')), 6, /not empty/);
    refused(await move(folder, 'sqlite:guildhall.db', server.as('guildhall_app')), 6, /guildhall_owner/);
  });

  await t.test('killed again and again on the way to PostgreSQL, it goes on and arrives whole', async () => {
    await server.sql(server.as('operator'), 'SET ROLE guildhall_owner', 'DROP SCHEMA guildhall CASCADE', 'CREATE SCHEMA guildhall',
      'GRANT USAGE ON SCHEMA guildhall TO guildhall_app, guildhall_tick, guildhall_migrate, guildhall_ro');
    const folder = await madeDatabase(20_000);
    let landed = 0;
    for (let kill = 0; kill < (full ? 25 : 5); ++kill) {
      const one = start(['move', '--data-dir', folder, '--from', 'sqlite:guildhall.db', '--to', server.as('guildhall_migrate'), '--resume']);
      await sleep(300 + Math.random() * 300);
      const { signal } = await one.stop('SIGKILL');
      if (signal !== 'SIGKILL') break;
      ++landed;
    }
    assert.ok(landed > 0, 'not one kill came in time');
    const result = await move(folder, 'sqlite:guildhall.db', server.as('guildhall_migrate'), '--resume');
    assert.ok(result.code === 0 || /not empty/.test(result.stderr), result.stderr);
    await moved(folder, server.as('guildhall_migrate'), 'sqlite:back.db');
    assert.deepEqual(await dump(join(folder, 'back.db')), await dump(join(folder, 'guildhall.db')));
  });
});
