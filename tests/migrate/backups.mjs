// Backups before each change: taken, proved, refused when damaged, put back.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test } from 'node:test';
import { run } from '../support/guildhall.mjs';
import { Project, projects } from './support.mjs';

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
      const { code, stderr, answer } = await project.json(command, '--backup=schema+touched');
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
