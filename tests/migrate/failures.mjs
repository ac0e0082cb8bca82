// What is said of a run that failed: where it was met, and what became of the migration; to people and as JSON.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { projects } from './support.mjs';

describe('a failure', () => {
  for (const [where, make] of projects) {
    test(`of a statement names file, line and statement, up and down, on ${where}`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      project.write('0001_table.down.sql', '-- Back.\nDROP TABLE t;\n\nDROP TABLE nothing_here;');
      project.write('0002_bad.sql', 'CREATE TABLE u (x integer);\n\nINSERT INTO nowhere\nVALUES (1);');
      const up = await project.json('up');
      assert.equal(up.code, 1);
      const { failed } = up.answer;
      assert.deepEqual([failed.name, failed.file, failed.line, failed.statement], ['0002_bad', '0002_bad.sql', 3, 2]);
      assert.equal(failed.sqlstate, where === 'SQLite' ? 'SQLITE_1' : '42P01');
      assert.match(failed.message, /nowhere/);
      assert.match(up.stderr, /up 2\/2 0002_bad \.\.\. FAILED after \d+ ms, rolled back\n/);
      assert.match(up.stderr, /\n {2}at 0002_bad\.sql line 3, statement 2 of 2\n/);
      const down = await project.json('down');
      assert.equal(down.code, 1);
      assert.deepEqual([down.answer.failed.name, down.answer.failed.file, down.answer.failed.line, down.answer.failed.statement], ['0001_table', '0001_table.down.sql', 4, 2]);
    });

    test(`of what is not one transaction names the statement that resume stops at, on ${where}`, async () => {
      const project = await make();
      project.write('0001_steps.sql', '-- guildhall: transaction=none\nCREATE TABLE t (x integer);\nINSERT INTO nowhere VALUES (1);');
      const up = await project.migrate('up');
      assert.equal(up.code, 7);
      assert.match(up.stdout, /FAILED after \d+ ms, stopped midway\n/);
      const { code, answer } = await project.json('resume');
      assert.equal(code, 7);
      assert.deepEqual([answer.failed.name, answer.failed.file, answer.failed.line, answer.failed.statement], ['0001_steps', '0001_steps.sql', 3, 2]);
      project.write('0001_steps.sql', '-- guildhall: transaction=none\nCREATE TABLE t (y integer);\nSELECT 1;');
      const refused = await project.migrate('up');
      assert.equal(refused.code, 5);
      assert.match(refused.stdout, /FAILED after \d+ ms, refused\n/);
      assert.match(refused.stderr, /MG-RESUME: .*\n {2}in 0001_steps\.sql\n/);
    });

    test(`that a guard foresaw is refused, not rolled back, on ${where}`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1);');
      assert.equal((await project.migrate('up')).code, 0);
      project.write('0002_unique.sql', '-- Once.\nCREATE UNIQUE INDEX t_x ON t (x);');
      for (const words of [['up'], ['down'], ['down', '--confirm-data-loss']]) {
        const { code, stdout, stderr } = await project.migrate(words[0], ...words.slice(1));
        assert.equal(code, 6, words.join(' '));
        assert.doesNotMatch(stdout + stderr, /rolled back/);
      }
      const { answer } = await project.json('up');
      assert.deepEqual([answer.failed.name, answer.failed.file, answer.failed.line, answer.failed.statement], ['0002_unique', '0002_unique.sql', 2, 0]);
    });
  }
});
