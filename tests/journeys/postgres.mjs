// PostgreSQL as an operator meets it: set up, run, refused with a way out, backed up and restored.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bot, freePort, run, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { setUp, startPostgres } from '../support/postgres.mjs';

let postgres;
let sim;
let bot;
let world;

const refused = (result, code, ...sentences) => {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  for (const sentence of sentences) assert.match(result.stderr, sentence);
  assert.equal(result.stdout, '', 'nothing but answers belongs on stdout');
};

const setup = (...args) => run(['setup', 'postgres', ...args]);
const call = (env, ...args) => run([...args, '--data-dir', temporaryFolder()], { env });
/** A database that was set up for one test, with one server in it. */
async function madeDatabase(name) {
  const env = await setUp(postgres, name);
  const added = await call(env, 'server', 'add', '-7', 'Alone');
  assert.equal(added.code, 0, added.stderr);
  return env;
}
/** Nothing of these variables. */
const without = (env, ...names) => Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));

before(async () => {
  postgres = await startPostgres();
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

// Setup ----------------------------------------------------------------------------------------------------

test('one command makes roles, database and tables; what it prints is a configuration that works', async () => {
  const { code, stdout, stderr } = await setup('--url', postgres.admin);
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  for (const key of ['url', 'tick_url', 'migrate_url']) assert.match(stdout, new RegExp(`^database\\.${key} = "postgres://guildhall_[a-z]+:[^@]{20,}@[^"]+/guildhall"$`, 'm'));
  assert.match(stdout, /guildhall_ro LOGIN PASSWORD[^]*pg_dump --enable-row-security/);
  const folder = temporaryFolder();
  const file = join(folder, 'guildhall.toml');
  writeFileSync(file, `${stdout}\n[data]\ndir = "${folder}"\n`);
  const list = await run(['server', 'list', '--config', file, '--json']);
  assert.equal(list.code, 0, list.stderr);
  assert.deepEqual(JSON.parse(list.stdout), { servers: [] });
  const roles = await postgres.query('guildhall', "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS powerful FROM pg_roles WHERE rolname LIKE 'guildhall%'");
  assert.equal(roles.length, 5);
  assert.ok(roles.every(({ powerful }) => !powerful));
});

test('the passwords are in no log of the server, not even in one that keeps every statement', async () => {
  await postgres.execute('postgres', "ALTER SYSTEM SET log_statement = 'all'");
  await postgres.execute('postgres', 'SELECT pg_reload_conf()');
  const { code, stdout, stderr } = await setup('--url', postgres.admin, '--new-passwords');
  assert.equal(code, 0, stderr);
  await postgres.execute('postgres', 'ALTER SYSTEM RESET log_statement');
  await postgres.execute('postgres', 'SELECT pg_reload_conf()');
  const log = readFileSync(postgres.log, 'utf8');
  assert.match(log, /ALTER ROLE guildhall_app LOGIN PASSWORD 'SCRAM-SHA-256\$/);
  const passwords = [...stdout.matchAll(/postgres:\/\/guildhall_[a-z]+:([^@]{20,})@/g)].map(([, password]) => password);
  assert.equal(passwords.length, 3);
  for (const password of passwords) assert.ok(!log.includes(password), 'a password is in the log');
});

test('a second time it keeps what is there, and says so', async () => {
  const { code, stdout, stderr } = await setup('--url', postgres.admin);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^# role guildhall_app: was there$/m);
  assert.match(stdout, /^# database guildhall: was there$/m);
  assert.doesNotMatch(stdout, /^database\./m, 'passwords that it does not know it does not print');
});

test('several databases of one server are set up at once', async () => {
  const server = await startPostgres();
  const made = await Promise.all([...Array(6).keys()].map((i) => setUp(server, `at_once_${i}`)));
  for (const env of made) assert.equal((await call(env, 'server', 'list')).code, 0);
});

test('it mends what was opened in between', async () => {
  await postgres.execute('guildhall', 'DROP POLICY server ON guildhall.balances; GRANT TRUNCATE ON guildhall.ledger TO guildhall_app');
  assert.equal((await setup('--url', postgres.admin)).code, 0);
  const policies = await postgres.query('guildhall', "SELECT 1 FROM pg_policies WHERE tablename = 'balances' AND policyname = 'server'");
  assert.equal(policies.length, 1);
});

test('passwords count where the server asks for them, and new ones replace the old', async () => {
  await postgres.execute('postgres', "ALTER ROLE operator PASSWORD 'op:er@tor'");
  const admin = postgres.url('operator:op%3Aer%40tor', 'postgres');
  const first = await setUp(postgres, 'with_password', admin, ['--new-passwords']);
  assert.equal((await call(first, 'server', 'list')).code, 0);
  const second = await setUp(postgres, 'with_password', admin, ['--new-passwords']);
  assert.notEqual(first.GUILDHALL_DATABASE_URL, second.GUILDHALL_DATABASE_URL);
  assert.equal((await call(second, 'server', 'list')).code, 0);
  const old = await call(first, 'server', 'list');
  refused(old, 3, /password authentication failed/, /database\.migrate_url/, /hint: .*--new-passwords/);
  assert.ok(!old.stderr.includes(new URL(first.GUILDHALL_DATABASE_URL.replace(/@.*/, '@host')).password), 'no password in a message');
  refused(await call({ ...second, GUILDHALL_DATABASE_TICK_URL: postgres.url('guildhall_tick', 'with_password') }, 'server', 'list'), 3, /no password supplied/, /database\.tick_url/, /_FILE/);
  refused(await setup('--url', postgres.url('operator:wrong', 'with_password')), 3, /password/, /--url/);
});

test('--print prints SQL that psql makes the same of, and changes nothing', async () => {
  const other = await startPostgres();
  const { code, stdout } = await setup('--print', '--database', 'printed');
  assert.equal(code, 0);
  assert.match(stdout, /LOGIN PASSWORD 'PASSWORD_OF_guildhall_app'/);
  assert.match(stdout, /FORCE ROW LEVEL SECURITY/);
  assert.deepEqual(await other.query('postgres', "SELECT 1 FROM pg_roles WHERE rolname LIKE 'guildhall%'"), []);
  const file = join(temporaryFolder(), 'setup.sql');
  writeFileSync(file, stdout);
  await other.script(file, 'postgres');
  const env = await setUp(other, 'printed');
  const journal = await other.query('printed', 'SELECT count(*)::int AS n FROM guildhall.migration_journal');
  assert.ok(journal[0].n >= 3);
  const doctor = await call(env, 'doctor', 'isolation', '--catalog');
  assert.equal(doctor.code, 0, `${doctor.stdout}${doctor.stderr}`);
});

test('bad input to the setup is refused before anything is made', async () => {
  const before = await postgres.query('postgres', 'SELECT datname FROM pg_database ORDER BY 1');
  await postgres.execute('postgres', 'CREATE ROLE poor LOGIN; CREATE ROLE poorer LOGIN CREATEDB');
  refused(await setup(), 2, /--url is missing/);
  refused(await setup('--url', 'sqlite:guildhall.db'), 2, /postgres:\/\//);
  refused(await setup('--url', postgres.admin, '--database', 'postgres'), 2, /'postgres'/);
  refused(await setup('--url', postgres.admin, '--databse', 'x'), 2, /--database/);
  refused(await setup('--url', 'postgres://a@127.0.0.1:1/postgres'), 3, /127\.0\.0\.1/, /Connection refused/, /--url/);
  refused(await setup('--url', postgres.url('nobody', 'postgres')), 3, /role "nobody" does not exist/);
  refused(await setup('--url', postgres.url('poor', 'postgres'), '--database', 'x'), 1, /'poor'.*CREATEROLE CREATEDB/, /ALTER ROLE/);
  refused(await setup('--url', postgres.url('poorer', 'postgres'), '--database', 'x'), 1, /lacks CREATEROLE$/m);
  assert.deepEqual(await postgres.query('postgres', 'SELECT datname FROM pg_database ORDER BY 1'), before);
});

test('the database of another program is left alone', async () => {
  for (const [name, sql, why] of [
    ['shop', 'CREATE TABLE orders (id bigint)', /it has tables/],
    ['lodge', 'CREATE SCHEMA guildhall; CREATE TABLE guildhall.members (id bigint)', /its schema guildhall is operator's/],
  ]) {
    await postgres.execute('postgres', `CREATE DATABASE ${name} OWNER operator`);
    await postgres.execute(name, sql, 'operator');
    refused(await setup('--url', postgres.admin, '--database', name), 6, /belongs to another program/, why, /--database/);
    assert.deepEqual(await postgres.query(name, "SELECT 1 FROM pg_class WHERE relname = 'ledger'"), []);
    const env = await setUp(postgres, 'guildhall');
    const there = Object.fromEntries(Object.entries(env).map(([key, url]) => [key, url.replace(/[^/]*$/, name)]));
    refused(await call(there, 'run', '--listen', '127.0.0.1:0'), 6, new RegExp(`/${name}' belongs to another program`), /setup postgres/);
  }
});

// A start that is refused -----------------------------------------------------------------------------------

test('each thing that stands in the way of a start is named with the way out', async () => {
  const env = await madeDatabase('ready');
  const to = (url) => call({ ...env, GUILDHALL_DATABASE_MIGRATE_URL: '', GUILDHALL_DATABASE_URL: url }, 'run', '--listen', '127.0.0.1:0');
  refused(await to('postgres://guildhall_app@127.0.0.1:1/ready'), 3, /Connection refused/, /database\.url/);
  refused(await to(postgres.url('guildhall_app', 'nowhere')), 3, /database "nowhere" does not exist/, /setup postgres/);
  refused(await to(postgres.url('no_such_role', 'ready')), 3, /role "no_such_role" does not exist/, /setup postgres/);
  await postgres.execute('postgres', 'CREATE DATABASE bare');
  refused(await to(postgres.url('guildhall_app', 'bare')), 5, /never set up/, /setup postgres/);
  refused(await call(without(env, 'GUILDHALL_DATABASE_TICK_URL'), 'run', '--listen', '127.0.0.1:0'), 78, /database\.tick_url is missing/, /setup postgres/);
  refused(await call({ ...env, GUILDHALL_DATABASE_MIGRATE_URL: postgres.url('guildhall_app', 'ready') }, 'server', 'list'), 3, /login of database\.migrate_url may not act as guildhall_owner/);
  refused(await call({ ...env, GUILDHALL_DATABASE_TICK_URL: postgres.url('postgres', 'ready') }, 'server', 'list'), 6, /postgres: is who database\.tick_url signs in as/);
});

test('an old schema is brought up to date by migrate_url, and only compared without it', async () => {
  const env = await madeDatabase('aged');
  const down = await call(env, 'migrate', 'down', '--confirm-data-loss', '--scratch-url', postgres.url('postgres', 'postgres'), '--json');
  assert.equal(down.code, 0, down.stderr);
  const [{ name }] = JSON.parse(down.stdout).reverted;
  refused(await call(without(env, 'GUILDHALL_DATABASE_MIGRATE_URL'), 'run', '--listen', '127.0.0.1:0'), 5, new RegExp(`lacks migration ${name}`), /database\.migrate_url/);
  refused(await call(env, 'server', 'list'), 5, new RegExp(`lacks migration ${name}`), /hint: `guildhall migrate up`/);
  const up = await call(env, 'migrate', 'up', '--scratch-url', postgres.url('postgres', 'postgres'));
  assert.equal(up.code, 0, up.stderr);
  assert.equal((await call(without(env, 'GUILDHALL_DATABASE_MIGRATE_URL'), 'server', 'list')).code, 0);
  assert.equal((await call(env, 'doctor', 'isolation', '--catalog')).code, 0, 'what a migration makes is sealed');
});

test('the setup brings an older schema up to date, after a backup where the bot has its own', async () => {
  const env = await madeDatabase('older');
  const down = await call(env, 'migrate', 'down', '--confirm-data-loss', '--no-backup', '--i-accept-data-loss', '--json');
  assert.equal(down.code, 0, down.stderr);
  const folder = temporaryFolder();
  const again = await setup('--url', postgres.admin, '--database', 'older', '--data-dir', folder, '--json');
  assert.equal(again.code, 0, again.stderr);
  assert.deepEqual(JSON.parse(again.stdout).migrations, JSON.parse(down.stdout).reverted.map(({ name }) => name));
  assert.equal(readdirSync(join(folder, 'backups')).filter((name) => name.endsWith('.sql')).length, 1);
});

test('a read-only database is said to be one; reading goes on', async () => {
  const env = await madeDatabase('still');
  await postgres.execute('postgres', 'ALTER DATABASE still SET default_transaction_read_only = on');
  refused(await call(env, 'run', '--listen', '127.0.0.1:0'), 3, /read-only/, /default_transaction_read_only/);
  refused(await call(env, 'settings', 'set', '--server', '-7', 'language', 'de'), 3, /read-only; nothing was changed/);
  assert.match((await call(env, 'server', 'list')).stdout, /Alone/);
});

// The running bot -------------------------------------------------------------------------------------------

const server = (index) => world.servers[index];
const balance = async (index) =>
  (await postgres.query('hall', `SELECT coalesce(sum(balance), 0)::int AS n FROM guildhall.balances WHERE discord_server_id = ${server(index).id}`))[0].n;
async function slash(guild, user, name, options = {}) {
  const { interaction } = await sim.post('/discord/command', { guild, user, name, options });
  const record = await until(`an answer to /${name}`, async () => {
    const [found] = await sim.get(`/discord/interactions?id=${interaction}`);
    return found.answer && found.answer.content !== '' ? found : null;
  });
  return record.answer.content;
}

test('a bot on PostgreSQL hears two platforms, pays points and shows them', async () => {
  sim = await startSim();
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const env = await setUp(postgres, 'hall');
  bot = new Bot({ dataDir: temporaryFolder(), port, env: { ...simEnvironment(sim.contract), ...env } });
  bot.begin();
  await bot.ready();
  world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  const api = await bot.bindTo(world);
  const { id, owner, members, suggested_kick_channel: slug } = server(0);
  assert.match(await slash(id, owner, 'points-add', { user: members[2].id, amount: 250, reason: 'raid' }), /250/);
  assert.equal(await balance(0), 250);
  assert.equal(await balance(1), 0);
  const [viewer] = world.kick_channels.find((channel) => channel.slug === slug).viewers.filter((one) => !one.bot && one.slug !== slug);
  await sim.post('/kick/chat', { slug, user: viewer.id, content: '!points' });
  await until('an answer in chat', async () => (await sim.get(`/kick/chat?slug=${slug}`)).some(({ content }) => content.startsWith(`[${server(0).name}]`)));
  assert.equal((await api('GET', `/api/v1/servers/${id}`)).json.name, server(0).name);
});

test('a setting changed beside the running bot reaches it', async () => {
  const { id, owner } = server(0);
  assert.equal((await bot.command('settings', 'set', '--server', id, 'language', 'de')).code, 0);
  await until('the bot to speak German', async () => /Punkte/.test(await slash(id, owner, 'points')));
  assert.equal((await bot.command('settings', 'unset', '--server', id, 'language')).code, 0);
});

/** The lock of the bot, among all that there are. */
const lock = "locktype = 'advisory' AND granted AND classid = 7133 AND objid = 2 AND objsubid = 2";
const second = (extra = {}) => run(['run', '--listen', '127.0.0.1:0', '--data-dir', temporaryFolder()], { env: { ...bot.env, ...extra } });

test('a second bot on the same database is refused and told who is first', async () => {
  refused(await second(), 4, /runs already on '.*\/hall'/, new RegExp(`process ${bot.process.child.pid} on `));
  assert.match(await slash(server(0).id, server(0).owner, 'help'), /points/);
});

test('killed, it leaves the database to the next at once', async () => {
  await bot.process.stop('SIGKILL');
  bot.begin();
  await bot.ready();
  assert.match(await slash(server(0).id, server(0).owner, 'points', { user: server(0).members[2].id }), /250 points/);
});

test('a server that was killed comes back, and so do the bot and its lock', async () => {
  await postgres.kill();
  await postgres.restart();
  await until('the lock to be held again', async () =>
    (await postgres.query('hall', `SELECT 1 FROM pg_locks WHERE ${lock}`)).length === 1);
  refused(await second(), 4, /runs already/);
  await until('the bot to answer', async () => /250 points/.test(await slash(server(0).id, server(0).owner, 'points', { user: server(0).members[2].id })));
});

test('a bot whose lock somebody else took meanwhile ends, and says who has it', async () => {
  const thief = postgres.begin('hall', `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE ${lock}; SELECT pg_advisory_lock(7133, 2), pg_sleep(60)`);
  try {
    const { code } = await bot.process.ended;
    assert.equal(code, 4, bot.process.stderr());
    assert.match(bot.process.stderr(), /runs already on '.*\/hall'/);
  } finally {
    await thief.stop('SIGKILL');
    await postgres.execute('hall', `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE ${lock}`);
  }
  bot.begin();
  await bot.ready();
});

test('a policy removed behind the running bot is noticed by the doctor and at the next start', async () => {
  await postgres.execute('hall', 'DROP POLICY server ON guildhall.balances');
  const doctor = await bot.command('doctor', 'isolation', '--catalog', '--json');
  assert.equal(doctor.code, 6);
  const { faults } = JSON.parse(doctor.stdout);
  assert.deepEqual(faults.map(({ table, reason }) => [table, reason]), [['balances', 'the policy server is missing']]);
  assert.match((await bot.command('doctor', 'isolation', '--catalog')).stdout, /balances +the policy server is missing\n.*CREATE POLICY/);
  assert.equal((await bot.process.stop()).code, 0);
  refused(await second(), 6, /the seal of '.*\/hall' is open: balances: the policy server is missing/, /CREATE POLICY server ON balances/, /--catalog/);
  await postgres.execute('hall', faults[0].remedy, 'guildhall_migrate');
  assert.equal((await bot.command('doctor', 'isolation', '--catalog')).code, 0);
  bot.begin();
  await bot.ready();
});

// Backups ---------------------------------------------------------------------------------------------------

/** Of each table, how many rows and one number for all of them. */
async function contents(database) {
  const tables = await postgres.query(database, "SELECT relname FROM pg_class WHERE relnamespace = 'guildhall'::regnamespace AND relkind = 'r' ORDER BY 1");
  const sums = {};
  for (const { relname } of tables) {
    const [sum] = await postgres.query(database, `SELECT count(*)::int AS rows, coalesce(sum(hashtextextended(t::text, 0)), 0)::text AS sum FROM guildhall.${relname} t`);
    sums[relname] = sum;
  }
  return sums;
}

test('a dump with the rights of guildhall_ro restores to the same rows, sealed', async () => {
  assert.equal((await bot.process.stop()).code, 0);
  await postgres.execute('postgres', 'ALTER ROLE guildhall_ro LOGIN', 'operator');
  const file = join(temporaryFolder(), 'guildhall.dump');
  const dump = await postgres.program('pg_dump', ['--enable-row-security', '-Fc', '-f', file, postgres.url('guildhall_ro', 'hall')]);
  assert.equal(dump.code, 0, dump.stderr);
  assert.ok(readFileSync(file).length > 1000);
  await postgres.execute('postgres', "CREATE DATABASE restored OWNER guildhall_owner TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'", 'operator');
  const restore = await postgres.program('pg_restore', ['--exit-on-error', '-d', postgres.url('operator', 'restored'), file]);
  assert.equal(restore.code, 0, restore.stderr);
  const expected = await contents('hall');
  assert.ok(Object.keys(expected).length > 20 && expected.ledger.rows > 0 && expected.persons.rows > 0);
  assert.deepEqual(await contents('restored'), expected);
  const env = await setUp(postgres, 'restored');
  const doctor = await call(env, 'doctor', 'isolation', '--catalog');
  assert.equal(doctor.code, 0, `${doctor.stdout}${doctor.stderr}`);
  assert.equal(JSON.parse((await call(env, 'server', 'list', '--json')).stdout).servers.length, 3);
});
