// A migration that needs more space than there is: told so with the place, nothing of it stays, and the next one goes
// on. The small disk has to be mounted: this test is root's.
import assert from 'node:assert/strict';
import { chownSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startPostgres } from '../support/postgres.mjs';
import { smallDisk } from '../support/small_disk.mjs';
import { Project } from './support.mjs';

function diskFor(t) {
  const disk = smallDisk(t, 4, { writers: () => [] });
  assert.ok(disk.mounted, 'a small disk cannot be mounted: run this test as root');
  return disk;
}

describe('no space left', () => {
  test('in a tablespace of PostgreSQL: exit 10 with its name, the lock is free, the journal knows', async (t) => {
    const disk = diskFor(t);
    const pg = await startPostgres();
    try {
      const { uid, gid } = statSync(pg.folder);
      chownSync(disk.folder, uid, gid);
      await pg.execute('postgres', `CREATE TABLESPACE tiny LOCATION '${disk.folder}'`);
      await pg.execute('postgres', 'GRANT CREATE ON TABLESPACE tiny TO operator');
      const project = await Project.onPostgres(pg);
      project.write('0001_table.sql', 'CREATE TABLE t (x integer, y text) TABLESPACE tiny;');
      project.write('0002_fill.sql', "CREATE TABLE beside (x integer);\nINSERT INTO t SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 20000) n;");
      const { answer, code, stderr } = await project.json('up');
      assert.equal(code, 10, stderr);
      assert.deepEqual([answer.failed.name, answer.failed.sqlstate, answer.failed.line], ['0002_fill', '53100', 2]);
      assert.match(answer.failed.message, /No space left on device; full is tablespace tiny \(.*guildhall-disk-/);
      assert.match(stderr, /\nhint: Free some space there, and start again: tablespace tiny/);
      const status = await project.json('status');
      assert.equal(status.answer.lock.held, false);
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_fill failed']);
      const [{ error }] = await project.query("SELECT error FROM guildhall.migration_journal WHERE state = 'failed'");
      assert.match(error, /^MG-53100: could not extend file/);
      assert.deepEqual(await project.query("SELECT to_regclass('beside') AS t, (SELECT count(*)::int FROM t) AS n"), [{ t: null, n: 0 }]);

      // What was tried is still in the tablespace, where a backup would be proved.
      const quick = ['--no-backup', '--i-accept-data-loss'];
      const together = await project.json('up', '--single-transaction', ...quick);
      assert.equal(together.code, 10, together.stderr);
      assert.match(together.answer.failed.message, /full is tablespace tiny/);
      project.write('0002_fill.sql', '-- guildhall: transaction=none\nCREATE TABLE beside (x integer);\nINSERT INTO t SELECT n, repeat(md5(n::text), 30) FROM generate_series(1, 20000) n;');
      const midway = await project.json('up', ...quick);
      assert.equal(midway.code, 10, midway.stderr);
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_fill partial']);

      await pg.execute(project.name, 'ALTER TABLE t SET TABLESPACE pg_default');
      assert.equal((await project.migrate('resume', ...quick)).code, 0);
      assert.deepEqual(await project.query('SELECT count(*)::int AS n FROM t'), [{ n: 20_000 }]);
    } finally {
      await pg.stop();
    }
  });

  test('where the backup is written, while it is written: exit 10, no torso, the lock is free, nothing has run', async (t) => {
    const disk = diskFor(t);
    const pg = await startPostgres();
    try {
      const project = await Project.onPostgres(pg);
      // Kept small by compression, so that the dump is larger than half of the database.
      await project.execute("CREATE TABLE long (x text); INSERT INTO long SELECT repeat('x', 100000) FROM generate_series(1, 100)");
      project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY);');
      const elsewhere = project.backups;
      project.backups = join(disk.folder, 'backups');
      const { answer, code, stderr } = await project.json('up');
      assert.equal(code, 10, stderr);
      assert.match(stderr, /^MG-SPACE: the disk of .*backups' was full when .* were written/m);
      assert.deepEqual(readdirSync(project.backups), [], 'neither a backup nor a part of one');
      assert.equal(answer.backup, null);
      assert.deepEqual(await project.states(), ['0001_table pending']);
      assert.deepEqual(await project.query("SELECT to_regclass('t') AS t"), [{ t: null }]);
      assert.match((await project.migrate('unlock')).stdout, /^lock: free/);
      project.backups = elsewhere;
      assert.equal((await project.migrate('up')).code, 0);
    } finally {
      await pg.stop();
    }
  });

  test('where the backup is to be written, known beforehand: exit 10, and the lock is never asked for', async (t) => {
    const disk = diskFor(t);
    const project = Project.onSqlite();
    await project.execute('CREATE TABLE big (x blob); INSERT INTO big VALUES (zeroblob(5000000))');
    project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY);');
    const elsewhere = project.backups;
    project.backups = join(disk.folder, 'backups');
    const { answer, code, stderr } = await project.json('up');
    assert.equal(code, 10, stderr);
    assert.equal(answer.run.token, 0);
    assert.match(answer.failed.message, /are free, and about 5\.7 MiB are needed: a backup/);
    assert.deepEqual(readdirSync(disk.folder), []);
    assert.deepEqual(await project.query("SELECT name FROM sqlite_schema WHERE name LIKE 'migration%'"), []);
    project.backups = elsewhere;
    assert.equal((await project.migrate('up')).code, 0);
  });

  test('for an index on the volume of a SQLite file: exit 10 before anything', async (t) => {
    const disk = diskFor(t);
    const project = Project.onSqlite(join(disk.folder, 'app.db'));
    await project.execute("CREATE TABLE big (x text); WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000) INSERT INTO big SELECT hex(zeroblob(500)) || n FROM s");
    project.write('0001_index.sql', 'CREATE INDEX big_x ON big (x);');
    const { answer, code, stderr } = await project.json('up');
    assert.equal(code, 10, stderr);
    assert.equal(answer.run.token, 0);
    assert.match(answer.failed.message, /0001_index\.sql line 1: .* for big/);
    assert.deepEqual(await project.states(), ['0001_index pending']);
  });

  test('where a SQLite file lies: exit 10 with the folder, the file is as before, the next run goes on', async (t) => {
    const disk = diskFor(t);
    const project = Project.onSqlite(join(disk.folder, 'app.db'));
    project.write('0001_table.sql', 'CREATE TABLE t (x integer, y text);');
    const fill = (rows) => project.write('0002_fill.sql', `CREATE TABLE beside (x integer);\nWITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows}) INSERT INTO t SELECT n, hex(zeroblob(500)) FROM s;`);
    fill(20_000);
    const { answer, code, stderr } = await project.json('up');
    assert.equal(code, 10, stderr);
    assert.equal(answer.failed.name, '0002_fill');
    assert.ok(answer.failed.message.includes(`full is the disk of '${disk.folder}'`), answer.failed.message);
    const status = await project.json('status');
    assert.equal(status.answer.lock.held, false);
    assert.deepEqual(await project.states(), ['0001_table applied', '0002_fill failed']);
    assert.deepEqual(await project.query("SELECT (SELECT count(*) FROM t) AS n, (SELECT count(*) FROM sqlite_schema WHERE name = 'beside') AS beside"), [{ n: 0, beside: 0 }]);
    fill(20);
    assert.equal((await project.migrate('up')).code, 0);
    assert.deepEqual(await project.query('SELECT count(*) AS n FROM t'), [{ n: 20 }]);
  });

  test('where a SQLite file lies, not even for the journal: the next run goes on all the same', async (t) => {
    const disk = diskFor(t);
    const project = Project.onSqlite(join(disk.folder, 'app.db'));
    project.write('0001_table.sql', 'CREATE TABLE t (x integer, y text);');
    assert.equal((await project.migrate('up')).code, 0);
    project.write('0002_more.sql', 'CREATE TABLE u (x integer);');
    disk.fill();
    const full = await project.migrate('up', '--no-backup', '--i-accept-data-loss');
    assert.equal(full.code, 10, full.stderr);
    assert.match(full.stderr, /^MG-.*full is the disk of /m);
    disk.free();
    assert.equal((await project.migrate('up')).code, 0);
    assert.deepEqual(await project.states(), ['0001_table applied', '0002_more applied']);
  });
});
