// What up and down would do, from outside: nothing is changed, and the exit code says what a run would meet.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { run, temporaryFolder } from '../support/guildhall.mjs';
import { postgres, projects } from './support.mjs';

describe('a plan', () => {
  for (const [where, make] of projects) {
    test(`that is executed leaves nothing, and says what the schema would be, on ${where}`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (id integer PRIMARY KEY, x integer);');
      assert.equal((await project.migrate('up')).code, 0);
      await project.execute('INSERT INTO t VALUES (1, 1)');
      project.write('0002_column.sql', 'ALTER TABLE t ADD COLUMN y integer;');
      const together = await project.json('up', '--plan=execute');
      assert.deepEqual([together.code, together.answer.tried_out.in], [0, 'transaction']);
      assert.match((await project.migrate('up', '--plan=execute')).stdout, /\nTried out and rolled back\. Schema fingerprint would be [0-9a-f]{8}\n$/);
      const apart = await project.json('up', '--plan=execute', '--scratch');
      assert.deepEqual([apart.code, apart.answer.tried_out], [0, { fingerprint: together.answer.tried_out.fingerprint, in: 'copy' }]);

      project.write('0003_steps.sql', `-- guildhall: transaction=none\n${where === 'SQLite' ? 'CREATE INDEX t_x ON t (x);\nVACUUM;' : 'CREATE INDEX CONCURRENTLY t_x ON t (x);'}`);
      const TMPDIR = temporaryFolder();
      const { code, stdout, stderr } = await run(project.arguments('up', '--plan=execute'), { env: { ...project.environment(), TMPDIR } });
      assert.equal(code, 0, stderr);
      assert.match(stdout, /\nTried out in a copy of the schema, without rows\. Schema fingerprint would be [0-9a-f]{8}\n$/);
      assert.deepEqual(readdirSync(TMPDIR), [], 'the copy is gone');
      if (where === 'PostgreSQL') assert.deepEqual(await (await postgres()).query('postgres', "SELECT datname FROM pg_database WHERE datname LIKE 'guildhall%'"), []);
      const planned = await project.json('up', '--plan=execute');
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_column pending', '0003_steps pending']);
      project.write('0004_bad.sql', 'CREATE TABLE w (x integer);\nINSERT INTO nowhere VALUES (1);');
      const bad = await project.json('up', '--plan=execute');
      assert.equal(bad.code, 1);
      assert.deepEqual([bad.answer.failed.file, bad.answer.failed.line, bad.answer.failed.statement], ['0004_bad.sql', 2, 2]);
      const up = await project.json('up', '--to', '0003');
      assert.equal(up.answer.fingerprint, planned.answer.tried_out.fingerprint);
    });

    test(`reads the options of up, and ends as that would, on ${where}`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (id integer PRIMARY KEY);');
      project.write('0003_more.sql', 'CREATE TABLE u (id integer PRIMARY KEY);');
      assert.equal((await project.migrate('up')).code, 0);
      project.write('0002_late.sql', 'CREATE TABLE late (id integer PRIMARY KEY);');
      const names = ({ code, answer }) => [code, ...answer.migrations.map(({ name }) => name)];
      assert.equal((await project.migrate('up', '--plan')).code, 5, 'nobody allowed it');
      assert.deepEqual(names(await project.json('up', '--plan', '--allow-late')), [0, '0002_late']);
      const tried = await project.json('up', '--plan=execute', '--allow-late');
      assert.deepEqual(names(tried), [0, '0002_late']);
      project.write('0002_late.sql', '-- guildhall: allow=L03 reason="moved"\nDROP TABLE IF EXISTS u;\nCREATE TABLE late (id integer PRIMARY KEY);');
      for (const plan of ['--plan', '--plan=execute']) {
        const refused = await project.json('up', plan, '--allow-late');
        assert.deepEqual([refused.code, refused.answer.failed.code], [5, 'E-LATE'], 'the order matters');
      }
      project.write('0002_late.sql', 'CREATE TABLE late (id integer PRIMARY KEY);');
      const up = await project.json('up', '--allow-late');
      assert.deepEqual([up.code, up.answer.fingerprint], [0, tried.answer.tried_out.fingerprint]);

      project.write('0004_table.sql', 'CREATE TABLE w (id integer PRIMARY KEY);');
      project.write('0005_steps.sql', `-- guildhall: transaction=none\nCREATE INDEX ${where === 'SQLite' ? '' : 'CONCURRENTLY '}t_id ON t (id);`);
      for (const plan of ['--plan', '--plan=execute', '--dry-run']) {
        const { code, answer } = await project.json('up', plan, '--single-transaction');
        assert.deepEqual([code, answer.failed.code, answer.failed.message], [6, 'MG-TOGETHER', '0005_steps cannot run in a transaction with others']);
        assert.deepEqual(names(await project.json('up', plan, '--single-transaction', '--steps', '1')), [0, '0004_table']);
        assert.equal((await project.migrate('up', plan, '--lock-timeout', 'soon')).code, 2);
        assert.equal((await project.migrate('up', plan, '--no-backup')).code, 2);
      }
      const refused = await project.migrate('up', '--single-transaction');
      assert.equal(refused.code, 6);
      assert.doesNotMatch(refused.stdout, /backup/, 'before anything is taken');
    });

    test(`of a way back has the script, counts the rows, and ends as the run would, on ${where}`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (id integer PRIMARY KEY);');
      project.write('0002_more.sql', 'CREATE TABLE u (id integer PRIMARY KEY);');
      project.write('0002_more.down.sql', '-- Back.\nDROP TABLE u;');
      assert.equal((await project.migrate('up')).code, 0);
      await project.execute('INSERT INTO u VALUES (1), (2)');
      const refused = await project.migrate('down', '--plan');
      assert.equal(refused.code, 6);
      assert.match(refused.stdout, /0002_more\.down\.sql \(one transaction/);
      assert.match(refused.stdout, /takes with it: table u \(2 rows\)/);
      assert.match(refused.stdout, /\nBEGIN;\nDROP TABLE u;\nCOMMIT;\n/);
      assert.match(refused.stderr, /^MG-DATALOSS: .*\nhint: .*--confirm-data-loss/);
      const { code, answer } = await project.json('down', '--dry-run', '--confirm-data-loss');
      assert.deepEqual([code, answer.ok, answer.refused], [0, true, null]);
      assert.deepEqual(answer.migrations.map(({ name, source, losses }) => [name, source, losses]), [['0002_more', 'file', [{ table: 'u', column: '', rows: 2 }]]]);
      assert.equal((await project.json('down', '0001', '--plan')).code, 6, 'a newer one stands above');
      assert.deepEqual((await project.json('down', '0001', '--cascade', '--plan', '--confirm-data-loss')).answer.migrations.map(({ name, source }) => `${name} ${source}`), ['0002_more file', '0001_table derived']);
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_more applied']);
      assert.equal((await project.query('SELECT count(*) AS n FROM u')).map(({ n }) => Number(n))[0], 2);
    });
  }
});
