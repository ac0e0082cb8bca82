// What people and scripts get wrong, and what they are told.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { check } from './answers.mjs';
import { postgres, Project } from './support.mjs';

const commands = ['status', 'up', 'resume', 'down', 'new', 'verify', 'repair', 'unlock', 'backup', 'restore', 'prune', 'plan', 'precheck', 'baseline', 'doctor', 'docs'];

describe('wrong input', () => {
  test('an unknown flag of any command ends with 2, and nothing is opened', async () => {
    const project = Project.onSqlite();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    for (const command of commands) {
      for (const flag of ['--backup-onl', '--frobnicate', '--dri=x', '-x']) {
        const result = await project.migrate(command, flag, ...({ restore: ['file.sql'], precheck: ['0001_table'] }[command] ?? []));
        assert.equal(result.code, 2, `${command} ${flag}: ${result.stdout}${result.stderr}`);
        assert.match(result.stderr, /unknown option/);
      }
      const { code, answer } = await project.json(command, '--frobnicate');
      assert.deepEqual([code, answer.command, answer.ok, answer.exit, answer.failed.code], [2, command, false, 2, 'E-USAGE']);
      assert.match(answer.failed.message, /unknown option '--frobnicate'/);
    }
    const typing = await project.migrate('status', '--chek');
    assert.match(typing.stderr, /Did you mean '--check'\?/);
    assert.equal((await run(['migrate', 'stauts'])).code, 2);
    const looked = await project.migrate('status');
    assert.equal(looked.code, 3, 'no command made the file');
    assert.equal(existsSync(project.file), false);
    assert.deepEqual(readdirSync(project.dir), ['0001_table.sql'], 'nor another one');
  });

  test('up --backup-only, which another tool took for up, ends with 2 and touches nothing', async () => {
    const project = await Project.onPostgres();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    for (const words of [['--backup-only'], ['--', '--backup-only'], ['all']]) {
      const { code, stdout, stderr } = await project.migrate('up', ...words);
      assert.equal(code, 2, words.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, words.at(-1) === 'all' ? /'all' is one argument too many/ : /unknown option '--/);
    }
    assert.deepEqual(await project.query("SELECT nspname FROM pg_namespace WHERE nspname = 'guildhall'"), [], 'neither journal nor lock');
    assert.deepEqual(await project.query("SELECT to_regclass('t') AS t"), [{ t: null }]);
    assert.equal(existsSync(project.backups), false);
  });

  test('what is wrong with the call is one object, too, where it was asked for', async () => {
    const project = Project.onSqlite();
    for (const [command, code, what, ...words] of [
      ['new', 2, 'E-USAGE', 'new', '--dir', project.dir], ['precheck', 2, 'E-USAGE', 'precheck', '--dir', project.dir], ['restore', 2, 'E-USAGE', 'restore', '--url', project.url],
      ['docs', 2, 'E-USAGE', 'docs'], ['up', 2, 'E-USAGE', 'up', '--dir'], ['up', 2, 'E-USAGE', 'up', '--dir', project.dir, '--plan=perhaps'], ['up', 2, 'E-USAGE', 'up', '--dir', project.dir, '--plan', '--steps', 'x'],
      ['unlock', 2, 'E-USAGE', 'unlock', '--url', project.url, '--force', 'x'], ['verify', 2, 'E-USAGE', 'verify', '--dir', project.dir, '--schema'], ['repair', 2, 'E-USAGE', 'repair', '--dir', project.dir, '--url', project.url],
      ['status', 78, 'E-CONFIG', 'status', '--config', '/nowhere/guildhall.toml']]) {
      const result = await run(['migrate', words[0], '--json', ...words.slice(1)], { env: {} });
      assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`);
      const answer = JSON.parse(result.stdout);
      assert.equal(result.stdout.trim().split('\n').length, 1);
      check(command, answer, result.code);
      assert.deepEqual([answer.command, answer.exit, answer.failed.code], [command, code, what], words.join(' '));
      assert.notEqual(result.stderr, '', 'people are told as before');
    }
    const unknown = await run(['migrate', 'stauts', '--json']);
    assert.equal(unknown.code, 2);
    const { command, ok, failed } = JSON.parse(unknown.stdout);
    assert.deepEqual([command, ok, failed.hint], ['stauts', false, "Did you mean 'guildhall migrate status'?"]);
  });

  test('--no-color is taken by every command, and changes nothing', async () => {
    const project = Project.onSqlite();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    assert.equal((await project.migrate('up', '--no-color')).code, 0);
    const plain = await project.migrate('status');
    const { stdout } = await project.migrate('status', '--no-color');
    assert.equal(stdout, plain.stdout);
    for (const command of commands) assert.match((await run(['migrate', command, '--help'])).stdout, /--no-color/);
  });

  test('values that cannot be meant', async () => {
    const project = Project.onSqlite();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    for (const words of [['up', '--steps', '0'], ['up', '--steps', 'many'], ['up', '--lock-wait', 'soon'], ['up', '--layout', 'goose'], ['up', '--no-backup'], ['up', '--i-accept-data-loss'],
      ['down', '--cascade', '--only'], ['down', '--confirm-data-loss=some'], ['repair'], ['baseline'], ['baseline', '--match', '--at', '0001'], ['baseline', '--from', 'flyway'], ['unlock', '--force', 'x'], ['verify', '--dir'], ['verify', '--strict-order'], ['up', '--scratch'], ['up', '--plan', '--scratch'], ['down', '--plan=execute']]) {
      const result = await project.migrate(words.slice(0, 1), ...words.slice(1));
      assert.equal(result.code, 2, `${words.join(' ')}: ${result.stdout}${result.stderr}`);
    }
    assert.equal((await run(['migrate', 'up', '--dir', project.dir, '--url', 'mysql://x'], { env: {} })).code, 2);
    assert.equal((await run(['migrate', 'up', '--dir', project.dir], { env: {} })).code, 2);
    assert.equal((await run(['migrate', 'up', '--dir', '/nowhere', '--url', project.url])).code, 2);
  });

  test('a database that is not there, does not let us in, or only reads', async () => {
    const project = await Project.onPostgres();
    const pg = await postgres();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    const at = (url) => run(['migrate', 'up', '--dir', project.dir, '--url', url]);
    for (const url of [pg.url('operator', 'nobody_made_this'), pg.url('nobody', project.name), 'postgres://operator@127.0.0.1:1/x']) {
      const result = await at(url);
      assert.equal(result.code, 3, result.stderr);
      assert.match(result.stderr, /^MG-CONNECTION: .*\nhint: /);
    }
    await pg.execute('postgres', `ALTER DATABASE ${project.name} SET default_transaction_read_only = on`);
    const readOnly = await project.migrate('up');
    assert.equal(readOnly.code, 3);
    assert.match(readOnly.stderr, /MG-READONLY/);
    assert.deepEqual(await project.query("SELECT 1 AS n FROM pg_namespace WHERE nspname = 'guildhall'"), []);
  });

  test('a role without the right is told which one, and the database is as before', async () => {
    const project = await Project.onPostgres();
    const pg = await postgres();
    await pg.execute('postgres', 'DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN');
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    project.url = pg.url('weak', project.name);
    const result = await project.migrate('up');
    assert.equal(result.code, 11, result.stderr);
    assert.match(result.stderr, /permission denied/);
    project.url = pg.url('operator', project.name);
    assert.equal((await project.migrate('up')).code, 0);
    await pg.execute(project.name, 'GRANT USAGE ON SCHEMA guildhall TO weak; GRANT SELECT ON ALL TABLES IN SCHEMA guildhall TO weak', 'operator');
    project.url = pg.url('weak', project.name);
    assert.deepEqual(await project.states(), ['0001_table applied'], 'who may only SELECT can look');
    project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
    assert.equal((await project.migrate('up')).code, 11);
  });

  test('files that cannot be read, are no UTF-8, come with CR LF and a mark, or none at all', async () => {
    const project = Project.onSqlite();
    const empty = await project.migrate('up');
    assert.equal(empty.code, 0);
    assert.match(empty.stdout, /Nothing to do: 0 applied, 0 pending/);
    project.write('0001_windows.sql', '\uFEFFCREATE TABLE t (x integer);\r\nINSERT INTO t VALUES (1);\r\n');
    assert.equal((await project.migrate('up')).code, 0);
    writeFileSync(join(project.dir, '0002_latin.sql'), Buffer.from("INSERT INTO t VALUES ('\xE4');", 'latin1'));
    const latin = await project.migrate('up');
    assert.equal(latin.code, 5);
    assert.match(latin.stderr, /E-ENCODING.*\n\s+at 0002_latin.sql line 1/);
    project.write('0002_latin.sql', "INSERT INTO t VALUES (2);");
    project.write('0003_open.sql', "SELECT 1;\nSELECT 'never ends");
    const open = await project.migrate('up');
    assert.equal(open.code, 5);
    assert.match(open.stderr, /0003_open.sql line 2/);
    assert.deepEqual(await project.query('SELECT count(*) AS n FROM t'), [{ n: 1 }], '0002 was not run either');
  });

  test('Ctrl-C and SIGTERM end a run with 130 and 143, and nothing of it stays', async () => {
    const project = await Project.onPostgres();
    project.write('0001_slow.sql', 'CREATE TABLE t (x integer); SELECT pg_sleep(30);');
    for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143]]) {
      const runner = project.begin('up');
      for (let i = 0; i < 200; i += 1) {
        const [{ n }] = await project.query("SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND datname = current_database() AND pid <> pg_backend_pid()");
        if (n > 0) break;
        await new Promise((done) => setTimeout(done, 25));
      }
      const ended = await runner.stop(signal);
      assert.equal(ended.code, code, runner.stderr());
      const { answer } = await project.json('status');
      assert.equal(answer.lock.held, false);
      assert.equal(answer.migrations[0].state, 'failed');
    }
    assert.deepEqual(await project.query("SELECT to_regclass('t') AS t"), [{ t: null }]);
  });

  test('a second SIGTERM ends at once, with 143, though the server answers nothing any more', async () => {
    const server = await startPostgres();
    const project = await Project.onPostgres(server);
    project.write('0001_slow.sql', 'CREATE TABLE t (x integer); SELECT pg_sleep(60);');
    const runner = project.begin('up', '--no-backup', '--i-accept-data-loss');
    await until('the statement to run', async () => (await project.query("SELECT 1 AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()")).length > 0);
    const frozen = server.pids();
    const signal = (pid, name) => {
      try {
        process.kill(pid, name);
      } catch (error) {
        assert.equal(error.code, 'ESRCH'); // it was about to end
      }
    };
    for (const pid of frozen) signal(pid, 'SIGSTOP');
    try {
      runner.child.kill('SIGTERM');
      const first = await Promise.race([runner.ended, new Promise((done) => setTimeout(done, 500, 'waits'))]);
      assert.equal(first, 'waits', 'the first one waits for the server');
      runner.child.kill('SIGTERM');
      const second = await Promise.race([runner.ended, new Promise((done) => setTimeout(done, 5000, 'waits'))]);
      assert.deepEqual(second, { code: 143, signal: null });
    } finally {
      for (const pid of frozen) signal(pid, 'SIGCONT');
    }
    await until('the server to notice', async () => (await project.query("SELECT 1 AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()")).length === 0);
    assert.deepEqual(await project.query("SELECT to_regclass('t') AS t"), [{ t: null }]);
    await server.stop();
  });

  test('every answer as JSON is one object that says what came of it', async () => {
    const project = Project.onSqlite();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    project.write('0001_table.down.sql', 'DROP TABLE t;');
    const shapes = [
      [['up'], ['command', 'ok', 'exit', 'run', 'applied', 'failed', 'findings', 'pending', 'fingerprint', 'backup']],
      [['status'], ['command', 'ok', 'database', 'lock', 'migrations', 'counts', 'last_backup']],
      [['verify'], ['command', 'ok', 'exit', 'findings', 'errors', 'warnings', 'backups']],
      [['repair', '--cosmetic'], ['command', 'ok', 'accepted']],
      [['unlock'], ['command', 'ok', 'held', 'released']],
      [['resume'], ['command', 'ok', 'exit', 'run', 'applied', 'failed', 'findings', 'pending', 'fingerprint', 'backup']],
      [['down'], ['command', 'ok', 'exit', 'run', 'reverted', 'failed', 'findings', 'pending', 'fingerprint', 'backup']],
      [['plan'], ['command', 'ok', 'exit', 'database', 'migrations', 'assumed', 'space_bytes', 'errors', 'tried_out']],
      [['new', 'one more', '--sql'], ['command', 'ok', 'up', 'down']],
      [['precheck', '0001_table'], ['command', 'ok', 'exit', 'name', 'findings', 'errors']],
      [['backup'], ['command', 'ok', 'backup']],
      [['prune'], ['command', 'ok', 'removed']],
    ];
    for (const [words, keys] of shapes) {
      const { answer, code, stderr } = await project.json(words[0], ...words.slice(1));
      assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
      assert.deepEqual(Object.keys(answer).sort(), [...keys].sort(), words.join(' '));
      assert.equal(answer.command, words[0]);
    }
    project.write('0003_bad.sql', 'SELECT * FROM nothing_here;');
    const { answer, code } = await project.json('up');
    assert.equal(code, 1);
    assert.equal(answer.ok, false);
    assert.equal(answer.failed.name, '0003_bad');
    assert.equal(answer.failed.line, 1);
  });
});
