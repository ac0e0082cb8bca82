// Backups before each change: taken, proved, refused when damaged, put back.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../support/guildhall.mjs';
import { postgres, Project, projects } from './support.mjs';

const dayMs = 86_400_000;

/** A backup as if it had been taken so many days ago: its name in the folder. */
function takenBefore(project, days) {
  const [newest] = readdirSync(project.backups).filter((name) => /\.(sql|db)$/.test(name)).sort().reverse();
  const at = new Date(Date.now() - days * dayMs).toISOString().slice(0, 19).replaceAll(':', '-');
  const name = newest.replace(/_\d{4}-\d\d-\d\dT[\d-]{8}\./, `_${at}.`);
  for (const ending of ['', '.json']) copyFileSync(join(project.backups, newest + ending), join(project.backups, name + ending));
  return name;
}

describe('backups', () => {
  for (const [where, make] of projects) {
    const filesOf = (project) => readdirSync(project.backups).filter((name) => !name.endsWith('.json')).sort();

    test(`on ${where}: one before each up and down that has work, named in the journal, and put back it has the exact rows`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY); INSERT INTO t VALUES (1);');
      project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
      project.write('0002_more.down.sql', 'ALTER TABLE t DROP COLUMN y;');
      const first = await project.json('up', '--to', '0001');
      assert.equal(first.code, 0, first.stderr);
      assert.equal(first.answer.backup.verified, true);
      assert.equal((await project.migrate('up', '--to', '0001')).code, 0);
      assert.equal(filesOf(project).length, 1, 'without work none is taken');
      await project.execute('INSERT INTO t VALUES (2), (3)');
      const second = await project.json('up');
      assert.equal(second.code, 0, second.stderr);
      const status = await project.json('status');
      assert.equal(status.answer.last_backup.file, filesOf(project).at(-1));
      assert.equal(status.answer.last_backup.sha256, second.answer.backup.sha256);
      assert.deepEqual([status.answer.last_backup.verified, status.answer.last_backup.level, status.answer.last_backup.at], [true, 3, second.answer.backup.at]);

      await project.execute('INSERT INTO t VALUES (4, 4); DELETE FROM t WHERE x = 1');
      const file = second.answer.backup.file;
      const restored = await project.migrate('restore', file);
      assert.equal(restored.code, 0, restored.stderr);
      assert.match(restored.stdout, /What was there is kept as .*_before_/);
      assert.deepEqual((await project.query('SELECT x FROM t ORDER BY x')).map(({ x }) => x), [1, 2, 3]);
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_more pending']);
      const { answer } = await project.json('unlock');
      assert.equal(answer.held, false, 'the lock of the run that took it is not in it');
    });

    test(`on ${where}: status calls the last backup verified only as far as it was proved, and while it is the same`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      const looks = async (text, level) => {
        const { stdout } = await project.migrate('status');
        assert.match(stdout, text);
        const { answer } = await project.json('status');
        assert.deepEqual([answer.last_backup.verified, answer.last_backup.level], [level > 0, level]);
      };
      await project.execute('CREATE TABLE past (x integer); DROP TABLE past');
      assert.match((await project.migrate('status')).stdout, /Last backup: none\n/);
      const { answer } = await project.json('up');
      const { file } = answer.backup;
      await looks(/Last backup: \S+ \(verified\)\n$/, 3);
      const record = readFileSync(`${file}.json`, 'utf8');
      assert.match(record, /"verified": ?3/);
      for (const [level, text] of [[2, /\(verified: read to its end, not restored\)\n$/], [1, /\(verified: its end and sum alone\)\n$/], [0, /\(not verified\)\n$/]]) {
        writeFileSync(`${file}.json`, record.replace(/"verified": ?3/, `"verified":${level}`));
        await looks(text, level);
      }
      writeFileSync(`${file}.json`, record);
      truncateSync(file, 10);
      await looks(/\(not the one that was taken\)\n$/, 0);
      unlinkSync(`${file}.json`);
      await looks(/\(not verified\)\n$/, 0);
      unlinkSync(file);
      await looks(/\(not in .*backups\)\n$/, 0);
    });

    test(`on ${where}: what is truncated, altered or no backup is refused, and nothing changes`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer); INSERT INTO t VALUES (1);');
      assert.equal((await project.migrate('up')).code, 0);
      const taken = await project.json('backup');
      assert.equal(taken.code, 0, taken.stderr);
      await project.execute('INSERT INTO t VALUES (2)');
      const { file } = taken.answer.backup;
      const whole = readFileSync(file);
      const refused = async () => {
        const result = await project.migrate('restore', file);
        assert.notEqual(result.code, 0);
        assert.match(result.stderr, /^MG-BACKUP: .+\nhint: /);
        assert.deepEqual((await project.query('SELECT count(*) AS n FROM t')).map(({ n }) => Number(n)), [2]);
      };
      truncateSync(file, whole.length - 100);
      await refused();
      const altered = Buffer.from(whole);
      altered[Math.floor(altered.length / 2)] ^= 1;
      writeFileSync(file, altered);
      await refused();
      writeFileSync(file, '');
      await refused();
      assert.equal((await project.migrate('restore', join(project.backups, 'none.sql'))).code !== 0, true);
    });

    test(`on ${where}: verify reads every backup, and names what is damaged and how`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (2);');
      assert.equal((await project.migrate('up')).code, 0);
      const taken = [];
      for (let i = 0; i < 3; i += 1) taken.push((await project.json('backup')).answer.backup.file);
      const sound = await project.json('verify', '--backups');
      assert.equal(sound.code, 0, sound.stdout);
      assert.deepEqual([sound.answer.backups.sound, sound.answer.backups.damaged], [4, 0]);
      assert.equal(sound.answer.backups.bytes, filesOf(project).reduce((sum, name) => sum + statSync(join(project.backups, name)).size, 0));

      truncateSync(taken[0], 50);
      // A row is gone, and the sum was made to fit.
      if (where === 'SQLite') {
        assert.equal((await run([taken[1], 'PRAGMA journal_mode = delete; DELETE FROM t WHERE x = 2'], { program: 'sqlite3' })).code, 0);
      } else {
        writeFileSync(taken[1], readFileSync(taken[1], 'utf8').replace(/^(COPY public\.t .*\n1\n)2\n/m, '$1'));
      }
      const altered = readFileSync(taken[1]);
      const record = JSON.parse(readFileSync(`${taken[1]}.json`, 'utf8'));
      writeFileSync(`${taken[1]}.json`, JSON.stringify({ ...record, size: altered.length, sha256: createHash('sha256').update(altered).digest('hex') }));
      writeFileSync(`${taken[2]}.partial`, 'torso');
      const { answer, code, stdout } = await project.json('verify', '--backups');
      assert.equal(code, 8, stdout);
      assert.deepEqual([answer.backups.sound, answer.backups.damaged], [2, 2]);
      const found = answer.findings.filter(({ code: one }) => /BACKUP|PARTIAL/.test(one)).map(({ code: one, name, text }) => [one, name, text]);
      assert.deepEqual(found.map(([one, name]) => [one, name]), [['E-BACKUP', basename(taken[0])], ['E-BACKUP', basename(taken[1])], ['W-PARTIAL', `${basename(taken[2])}.partial`]]);
      assert.match(found[0][2], /was cut/);
      assert.match(found[1][2], /1 rows/);
      const empty = await make();
      await empty.execute('CREATE TABLE t (x integer)');
      assert.match((await empty.migrate('verify', '--backups')).stdout, /W-NOBACKUP: /);
    });

    test(`on ${where}: what is older than 30 days goes with prune and with the next up, but the newest three and what a run needs`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY);');
      assert.equal((await project.migrate('up')).code, 0);
      const [first] = filesOf(project);
      const old = [45, 44, 43].map((days) => takenBefore(project, days));
      const young = [29, 28].map((days) => takenBefore(project, days));
      // The last that was applied had this one taken before it.
      const table = where === 'SQLite' ? 'migration_journal' : 'guildhall.migration_journal';
      await project.execute(`INSERT INTO ${table} (name, direction, state, checksum, norm_checksum, started_at, applied_at, applied_by, tool_version, backup_file) SELECT name, direction, state, checksum, norm_checksum, started_at, applied_at, applied_by, tool_version, '${old[1]}' FROM ${table}`);
      const pruned = await project.json('prune');
      assert.equal(pruned.code, 0, pruned.stderr);
      assert.deepEqual([...pruned.answer.removed].sort(), [old[0], old[2]].sort());
      assert.deepEqual(filesOf(project), [old[1], ...young, first].sort());
      assert.deepEqual(readdirSync(project.backups).filter((name) => name.startsWith(old[0])), [], 'what was written down of it goes along');

      takenBefore(project, 31);
      project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
      const up = await project.json('up');
      assert.equal(up.code, 0, up.stderr);
      // Now the newer run is the last one: nobody needs the other any more.
      assert.deepEqual(filesOf(project), [...young, first, basename(up.answer.backup.file)].sort());
    });

    test(`on ${where}: only old ones stay as they are, when there are no more than three`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY);');
      assert.equal((await project.migrate('up', '--no-backup', '--i-accept-data-loss')).code, 0);
      assert.equal((await project.migrate('backup')).code, 0);
      for (const days of [50, 40]) takenBefore(project, days);
      assert.deepEqual((await project.json('prune')).answer.removed, []);
      assert.equal(filesOf(project).length, 3);
    });

    test(`on ${where}: the record beside a backup names the newest row of its journal, its run and its tables`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer PRIMARY KEY); INSERT INTO t VALUES (1);');
      assert.equal((await project.migrate('up')).code, 0);
      project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
      const { answer } = await project.json('up');
      const record = JSON.parse(readFileSync(`${answer.backup.file}.json`, 'utf8'));
      assert.deepEqual(record.journal_head, { seq: 1, name: '0001_table' });
      assert.equal(record.run_token, answer.run.token);
      assert.equal(record.size, statSync(answer.backup.file).size);
      assert.deepEqual(record.tables.filter(({ table }) => table.endsWith('t')).map(({ rows }) => rows), [1]);
      assert.match(record.fingerprint, /^[0-9a-f]{64}$/);
      assert.match(record.server_version, /^\d+\.\d+/);
      assert.equal(record.dump_version !== '', where !== 'SQLite');
    });

    test(`on ${where}: a backup that fails stops everything, and two words are needed to do without`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      const failed = await project.migrate('up', '--backup-by', 'echo no tape in the drive >&2; exit 3');
      assert.equal(failed.code, 8, failed.stderr);
      assert.match(failed.stderr, /no tape in the drive/);
      assert.deepEqual(await project.states(), ['0001_table pending']);
      assert.equal((await project.migrate('up', '--no-backup')).code, 2);
      assert.equal((await project.migrate('up', '--no-backup', '--i-accept-data-loss')).code, 0);
    });
  }

  test('of the touched tables alone holds their rows, the schema and the journal', async () => {
    const project = await Project.onPostgres();
    await project.execute("CREATE TABLE huge (word text); INSERT INTO huge VALUES ('a row that stays'); CREATE TABLE t (x integer); INSERT INTO t VALUES (4711)");
    project.write('0001_change.sql', 'UPDATE t SET x = 0 WHERE x > 1;');
    project.write('0001_change.down.sql', 'UPDATE t SET x = 4711;');
    for (const command of ['up', 'down']) {
      // The value that the way back overwrites counts as data, and the foundation needs a whole backup.
      const words = command === 'up' ? [] : ['--confirm-data-loss=all'];
      if (command === 'down') assert.equal((await project.migrate('backup')).code, 0);
      const { code, stderr, answer } = await project.json(command, '--backup=schema+touched', ...words);
      assert.equal(code, 0, stderr);
      assert.equal(answer.backup.level, 2, 'read to its end');
      const dump = readFileSync(answer.backup.file, 'utf8');
      assert.match(dump, /CREATE TABLE public\.huge/);
      assert.match(dump, command === 'up' ? /^4711$/m : /^0$/m);
      assert.doesNotMatch(dump, /a row that stays/);
    }
    project.write('0002_untold.sql', "DO $$ BEGIN EXECUTE 'UPDATE ' || current_schema() || '.t SET x = 1'; END $$;");
    const untold = await project.migrate('up', '--backup=schema+touched');
    assert.equal(untold.code, 6, untold.stderr);
    assert.match(untold.stderr, /^MG-TOUCHED: .+\n {2}at 0002_untold\.sql line 1.*\nhint: /m);
    assert.equal((await project.migrate('up')).code, 0);
  });

  test('a weak role is told what it lacks: before the backup what it may not change, by the backup what it may not read', async () => {
    const project = await Project.onPostgres();
    const pg = await postgres();
    await project.execute('CREATE TABLE theirs (x integer)');
    await pg.execute(project.name, `CREATE ROLE weak_${project.name} LOGIN; GRANT CREATE ON DATABASE ${project.name} TO weak_${project.name}; GRANT ALL ON SCHEMA public TO weak_${project.name}`);
    project.url = pg.url(`weak_${project.name}`, project.name);
    project.write('0001_theirs.sql', 'CREATE TABLE ours (x integer);\nALTER TABLE theirs ADD COLUMN y integer;');
    const refused = await project.migrate('up');
    assert.equal(refused.code, 11, refused.stderr);
    assert.match(refused.stderr, /MG-PERMISSION: must be owner of table theirs\n {2}at 0001_theirs\.sql line 2\nhint: It belongs to operator: /);
    assert.deepEqual(await project.query("SELECT to_regclass('ours') AS o, to_regnamespace('guildhall') AS g"), [{ o: null, g: null }]);
    project.write('0001_theirs.sql', 'CREATE TABLE ours (x integer);');
    const unread = await project.migrate('up');
    assert.equal(unread.code, 8, unread.stderr);
    assert.match(unread.stderr, /MG-BACKUP: the role lacks a permission .*\nhint: As an administrator: GRANT SELECT ON TABLE public\.theirs/);
    assert.deepEqual(readdirSync(project.backups), []);
    assert.deepEqual(await project.query("SELECT to_regclass('ours') AS o"), [{ o: null }]);
    assert.match((await project.migrate('unlock')).stdout, /^lock: free/);
  });

  test('what is no kind of backup is refused before anything is opened', async () => {
    const project = Project.onSqlite();
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    for (const flags of [['--backup=some'], ['--backup=schema+touched'], ['--backup=whole', '--backup-by', 'true']]) {
      const result = await project.migrate('up', ...flags);
      assert.equal(result.code, 2, result.stderr);
    }
    assert.equal((await project.migrate('up', '--backup=whole')).code, 0);
  });
});
