// Bad input at the door: each has its exit code or status, a sentence that names what is wrong, and no
// effect.
import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Bot, freePort, query, run, simEnvironment, startSim, temporaryFolder } from '../support/guildhall.mjs';

const refused = (result, code, ...sentences) => {
  assert.equal(result.code, code, `${result.stdout}${result.stderr}`);
  for (const sentence of sentences) assert.match(result.stderr, sentence);
  assert.equal(result.stdout, '', 'nothing but answers belongs on stdout');
};

/** A database that a real run has made, with one server in it. */
async function madeDatabase() {
  const folder = temporaryFolder();
  const { code, stderr } = await run(['server', 'add', '-7', 'Alone', '--data-dir', folder]);
  assert.equal(code, 0, stderr);
  return folder;
}

test('a wrong token ends the run of a bot that serves somebody with 77 and says where a right one comes from', async (t) => {
  const sim = await startSim();
  t.after(() => sim.stop('SIGKILL'));
  const env = { ...simEnvironment(sim.contract), GUILDHALL_DISCORD_TOKEN: 'wrong' };
  const folder = temporaryFolder();
  assert.equal((await run(['server', 'add', '-7', 'Alone', '--data-dir', folder])).code, 0);
  refused(await run(['run', '--data-dir', folder, '--listen', '127.0.0.1:0'], { env }), 77, /token/i);
});

test("a server's own file that is gone is not replaced by an empty one unless that is said", async () => {
  const folder = temporaryFolder();
  const options = ['--data-dir', folder, '--url', 'sqlite-per-server:servers'];
  for (const id of ['-7', '-8']) assert.equal((await run(['server', 'add', id, 'Alone', ...options])).code, 0);
  const file = join(folder, 'servers/servers/-7.db');
  const setting = (id, ...args) => run(['settings', ...args, '--server', id, ...options]);
  assert.equal((await setting('-7', 'set', 'language', 'de')).code, 0);
  refused(await run(['server', 'begin-anew', '-7', ...options]), 2, /is there/, /Move it away first/);
  rmSync(file);
  refused(await setting('-7', 'get', 'language'), 3, /-7\.db' is gone/, /backup/, /guildhall server begin-anew -7/);
  assert.ok(!existsSync(file));
  assert.equal((await setting('-8', 'get', 'language')).code, 0);
  refused(await run(['move', '--from', 'sqlite-per-server:servers', '--to', 'sqlite:all.db', '--data-dir', folder]), 3, /file of server -7 .* is gone/);
  const anew = await run(['server', 'begin-anew', '-7', ...options]);
  assert.equal(anew.code, 0, anew.stderr);
  assert.match(anew.stdout, /begins anew/);
  assert.match((await setting('-7', 'get', 'language')).stdout, /en/);
  refused(await run(['server', 'begin-anew', '-9', ...options]), 1, /-9/);
  refused(await run(['server', 'begin-anew', 'x', ...options]), 2, /'x' is not a server's id/);
  refused(await run(['server', 'begin-anew', '-7', '--data-dir', temporaryFolder()]), 2, /no files of their own/);
});

test("no server's file is given up while a bot runs that may have it open", async (t) => {
  const sim = await startSim();
  const folder = temporaryFolder();
  const env = { ...simEnvironment(sim.contract), GUILDHALL_DATABASE_URL: 'sqlite-per-server:servers' };
  const bot = new Bot({ dataDir: folder, port: await freePort(), env });
  t.after(async () => {
    await bot.process.stop('SIGKILL');
    await sim.stop('SIGKILL');
  });
  bot.begin();
  await bot.ready();
  refused(await bot.command('server', 'begin-anew', '-7'), 4, /another|already/i);
});

test('an unknown key of the configuration is named with its line and the key that was meant', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'guildhall.toml');
  writeFileSync(file, '[web]\nlisten = "127.0.0.1:0"\nlissten = "x"\n');
  refused(await run(['run', '--config', file]), 78, /line 3/, /web\.lissten/, /web\.listen/);
  writeFileSync(file, '[web]\nlisten = \n');
  refused(await run(['config', 'check', '--config', file]), 78, /line 2/);
  refused(await run(['config', 'check', '--config', folder]), 78, /cannot read/);
  refused(await run(['config', 'check'], { env: { GUILDHALL_WEB_LISTN: 'x' } }), 78, /GUILDHALL_WEB_LISTN/, /GUILDHALL_WEB_LISTEN/);
});

test('secrets are masked where the configuration is shown', async () => {
  const { code, stdout } = await run(['config', 'show', '--json'], { env: { GUILDHALL_DISCORD_TOKEN: 'very-secret' } });
  assert.equal(code, 0);
  assert.ok(!stdout.includes('very-secret'));
  assert.deepEqual(JSON.parse(stdout)['discord.token'], { value: '********', source: 'environment GUILDHALL_DISCORD_TOKEN' });
});

test('a port in use ends the run with 69', async (t) => {
  const taken = createServer();
  await new Promise((done) => taken.listen(0, '127.0.0.1', done));
  t.after(() => taken.close());
  const { port } = taken.address();
  refused(await run(['run', '--data-dir', temporaryFolder(), '--listen', `127.0.0.1:${port}`]), 69, new RegExp(String(port)));
});

test('a folder that cannot be written is named', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'file'), '');
  refused(await run(['run', '--data-dir', join(folder, 'file'), '--listen', '127.0.0.1:0']), 78, /file'/, /data-dir/);
  refused(await run(['run', '--data-dir', join(folder, 'file', 'below'), '--listen', '127.0.0.1:0']), 78, /below/);
  refused(await run(['run', '--data-dir', '/proc/guildhall', '--listen', '127.0.0.1:0']), 78, /\/proc\/guildhall/);
});

test('a damaged database stops the start with 3 and stays as it is', async () => {
  const folder = await madeDatabase();
  const file = join(folder, 'guildhall.db');
  writeFileSync(file, Buffer.alloc(20_000, 'not a database '));
  refused(await run(['run', '--data-dir', folder, '--listen', '127.0.0.1:0']), 3, /damaged/, /recover/);
  refused(await run(['server', 'list', '--data-dir', folder]), 3, /guildhall\.db/);
});

test('a database of a newer program stops the start with 5', async () => {
  const folder = await madeDatabase();
  await query(folder, "INSERT INTO migration_journal (name, direction, state, checksum, started_at, applied_by, tool_version) VALUES ('9999_later', 'up', 'applied', 'x', 0, 'x', 'x')");
  refused(await run(['run', '--data-dir', folder, '--listen', '127.0.0.1:0']), 5, /newer/);
});

test('an applied migration that was changed since stops the start with 5', async () => {
  const folder = await madeDatabase();
  await query(folder, "DROP TRIGGER migration_journal_no_update; UPDATE migration_journal SET checksum = 'another', norm_checksum = 'another' WHERE seq = (SELECT min(seq) FROM migration_journal)");
  refused(await run(['server', 'list', '--data-dir', folder]), 5, /0001/);
});

test('the command line says what it does not understand, and what was meant', async () => {
  const folder = await madeDatabase();
  const at = (...args) => run([...args, '--data-dir', folder]);
  refused(await run(['serve']), 2, /unknown command 'serve'/);
  refused(await run(['run', '--lisen', 'x']), 2, /unknown option '--lisen'/, /--listen/);
  refused(await at('settings', 'list'), 2, /--server/);
  refused(await at('settings', 'list', '--server', '0'), 2, /0 is no server/);
  refused(await at('settings', 'list', '--server', '12'), 1, /no server 12/);
  refused(await at('settings', 'set', '--server', '-7', 'points_per_5mins', '3'), 1, /points_per_5min'/);
  for (const value of ['-1', '1e3', '1.5', '9000000000000000000', '99999999999999999999', '１２']) {
    refused(await at('settings', 'set', '--server', '-7', 'points_per_5min', value), 1, /whole number/);
  }
  refused(await at('settings', 'set', '--server', '-7', 'time_zone', 'Mars/Olympus'), 1, /time_zone/);
  refused(await at('member', 'link', '--server', '-7', 'somebody', 'kick', 'owl'), 2, /somebody/);
  refused(await at('member', 'link', '--server', '-7', '123456', 'myspace', 'owl'), 2, /myspace/);
  refused(await at('member', 'unlink', '--server', '-7', '123456', 'kick'), 1, /no kick link/);
  refused(await at('server', 'add', '5', 'Five'), 2, /5/);
  assert.deepEqual(await query(folder, 'SELECT * FROM settings'), []);
});

test('every command explains itself with an example', async () => {
  const { stdout } = await run(['--help']);
  const names = [...stdout.matchAll(/^ {2}([a-z-]+(?: [a-z-]+)?) {2,}/gm)].map((match) => match[1]);
  assert.ok(names.length >= 10, stdout);
  for (const name of names) {
    const help = await run([...name.split(' '), '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /Example:\n {2}guildhall /);
  }
});
