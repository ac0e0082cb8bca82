// What status says and ends with in each state that a database and its files can be in; and files that are unusual.
import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/guildhall.mjs';
import { projects } from './support.mjs';

describe('status', () => {
  for (const [where, make] of projects) {
    test(`of an empty, a partly and a fully migrated database, and of each kind of drift, on ${where}`, async () => {
      const project = await make();
      await project.execute('CREATE TABLE past (x integer)');
      const looks = async (code, lines, last) => {
        const { stdout, ...ended } = await project.migrate('status', '--check');
        assert.equal(ended.code, code, stdout + ended.stderr);
        assert.equal((await project.migrate('status')).code, 0, 'without --check it only tells');
        const rows = stdout.split('\n').filter((line) => /^ {2}[a-z]/.test(line));
        assert.deepEqual(rows.map((line) => line.trim().split(/ {2,}/).slice(0, 2).join('|')), lines);
        assert.match(stdout, last);
        const { answer } = await project.json('status', '--check');
        return answer.counts;
      };
      await looks(0, [], /\nno journal: nothing has been applied by this tool\nApplied 0, pending 0, drift 0\. Lock: free\. Last backup: none\n$/);
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      project.write('0003_more.sql', 'CREATE TABLE u (x integer);');
      await looks(20, ['pending|0001_table', 'pending|0003_more'], /Applied 0, pending 2, drift 0\./);
      assert.equal((await project.migrate('up', '--steps', '1')).code, 0);
      await looks(20, ['applied|0001_table', 'pending|0003_more'], /Applied 1, pending 1, drift 0\./);
      assert.equal((await project.migrate('up')).code, 0);
      await looks(0, ['applied|0001_table', 'applied|0003_more'], /Applied 2, pending 0, drift 0\./);

      project.write('0001_table.sql', '-- The first.\nCREATE TABLE t  (x integer);');
      assert.equal((await looks(0, ['cosmetic|0001_table', 'applied|0003_more'], /drift 0\./)).cosmetic, 1);
      project.write('0001_table.sql', 'CREATE TABLE t (x bigint);');
      assert.equal((await looks(5, ['changed|0001_table', 'applied|0003_more'], /Applied 2, pending 0, drift 1\./)).changed, 1);
      rmSync(join(project.dir, '0001_table.sql'));
      assert.equal((await looks(5, ['missing|0001_table', 'applied|0003_more'], /drift 1\./)).missing, 1);
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      project.write('0002_late.sql', 'CREATE TABLE w (x integer);');
      assert.equal((await looks(5, ['applied|0001_table', 'late|0002_late', 'applied|0003_more'], /Applied 2, pending 1, drift 1\./)).late, 1);
      rmSync(join(project.dir, '0002_late.sql'));

      project.write('0004_bad.sql', 'INSERT INTO nowhere VALUES (1);');
      assert.equal((await project.migrate('up')).code, 1);
      await looks(20, ['applied|0001_table', 'applied|0003_more', 'failed|0004_bad'], /pending 1, drift 0\./);
      project.write('0004_bad.sql', '-- guildhall: transaction=none\nCREATE TABLE a (x integer);\nINSERT INTO nowhere VALUES (1);\nCREATE TABLE b (x integer);');
      assert.equal((await project.migrate('up')).code, 7);
      assert.equal((await looks(7, ['applied|0001_table', 'applied|0003_more', 'partial 1/3|0004_bad'], /Lock: free/)).partial, 1);
      project.write('0005_next.sql', 'CREATE TABLE c (x integer);');
      project.write('0001_table.sql', 'CREATE TABLE t (x bigint);');
      assert.equal((await project.migrate('status', '--check')).code, 7, 'what stopped midway comes before everything else');
    });

    test(`two files of one number end with 5, and nothing is run, on ${where}`, async () => {
      const project = await make();
      await project.execute('CREATE TABLE past (x integer)');
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      project.write('0002_one.sql', 'CREATE TABLE u (x integer);');
      project.write('0002_two.sql', 'CREATE TABLE w (x integer);');
      for (const words of [['up'], ['up', '--to', '0001'], ['up', '--allow-late'], ['up', '--plan'], ['plan'], ['verify'], ['status', '--check']]) {
        const { code, stdout, stderr } = await project.migrate(words[0], ...words.slice(1));
        assert.equal(code, 5, `${words.join(' ')}: ${stdout}${stderr}`);
        assert.match(stdout + stderr, /E-DUPNUM: .*0002/);
      }
      assert.equal((await project.json('up')).answer.failed.code, 'E-DUPNUM');
      const shown = await project.migrate('status');
      assert.equal(shown.code, 0);
      assert.match(shown.stdout, /no journal/);
      assert.match(shown.stderr, /E-DUPNUM/);
      assert.deepEqual(readdirSync(project.dir).sort(), ['0001_table.sql', '0002_one.sql', '0002_two.sql']);
      rmSync(join(project.dir, '0002_two.sql'));
      assert.equal((await project.migrate('up')).code, 0);
    });
  }
});

describe('files that are unusual', () => {
  for (const [where, make] of projects) {
    test(`none at all, through each command, on ${where}`, async () => {
      const project = await make();
      await project.execute('CREATE TABLE past (x integer)');
      for (const [words, said] of [[['status'], /\(0 files\)[^]*Applied 0, pending 0/], [['status', '--check'], /Applied 0/], [['up'], /^Nothing to do: 0 applied, 0 pending\.\n$/], [['up', '--plan'], /^Nothing to do: nothing is pending\.\n$/],
        [['up', '--plan=execute'], /^Nothing to do/], [['plan'], /^Nothing to do/], [['down'], /^Nothing to do: nothing is applied\.\n$/], [['down', '--plan'], /^Nothing to do: nothing is applied\.\n$/], [['resume'], /^Nothing to do/],
        [['verify'], /^verify: 0 errors, 0 warnings\n$/], [['verify', '--strict', '--schema', '--roundtrip'], /verify: 0 errors, 0 warnings\n$/], [['docs'], /./], [['repair', '--cosmetic'], /Nothing to do/]]) {
        const { code, stdout, stderr } = await project.migrate(words[0], ...words.slice(1));
        assert.equal(code, 0, `${words.join(' ')}: ${stdout}${stderr}`);
        assert.match(stdout, said, words.join(' '));
        await project.json(words[0], ...words.slice(1));
      }
      assert.equal((await project.migrate('precheck', '0001')).code, 2);
      assert.equal((await project.migrate('up', '--to', '0001')).code, 2);
      const made = await project.migrate('new', 'the first');
      assert.equal(made.code, 0, made.stderr);
      assert.deepEqual(readdirSync(project.dir).sort(), ['0000_the_first.down.sql', '0000_the_first.sql']);
    });

    test(`names of 200 characters, up and down, on ${where}`, async () => {
      const project = await make();
      const name = `0001_${'long_'.repeat(38)}names`;
      assert.equal(name.length, 200);
      project.write(`${name}.sql`, 'CREATE TABLE t (x integer);\nINSERT INTO t VALUES (1);');
      project.write(`${name}.down.sql`, 'DROP TABLE t;');
      const up = await project.json('up');
      assert.equal(up.code, 0, up.stderr);
      assert.deepEqual(up.answer.applied.map((one) => one.name), [name]);
      assert.deepEqual(await project.states(), [`${name} applied`]);
      assert.equal((await project.migrate('verify', '--schema', '--roundtrip')).code, 0);
      const down = await project.json('down', name, '--confirm-data-loss=all');
      assert.equal(down.code, 0, down.stderr);
      assert.deepEqual(await project.states(), [`${name} pending`]);
      const made = await project.migrate('new', 'long '.repeat(40).trim());
      assert.equal(made.code, 0, made.stderr);
      assert.equal((await project.migrate('new', 'x'.repeat(201))).code, 2);
    });

    test(`with CR LF and a byte order mark, options and a section for the way back, up and down, on ${where}`, async () => {
      const project = await make();
      project.write('0001_one.sql', '\uFEFF-- guildhall: statement_timeout=5s\r\nCREATE TABLE t (x integer);\r\nINSERT INTO t VALUES (1);\r\n');
      project.write('0001_one.down.sql', '\uFEFFDROP TABLE t;\r\n');
      project.write('0002_two.sql', '\uFEFF-- guildhall:up\r\nCREATE TABLE u (\r\n  x text DEFAULT \'a\r\nb\'\r\n);\r\n\r\n-- guildhall:down\r\nDROP TABLE u;\r\n');
      project.write('0003_three.sql', '\uFEFF-- guildhall: transaction=none\r\nCREATE TABLE v (x integer);\r\nINSERT INTO nowhere VALUES (1);\r\n');
      project.write('0003_three.down.sql', 'DROP TABLE v;\r\n');
      const up = await project.json('up');
      assert.equal(up.code, 7, up.stderr);
      assert.deepEqual([up.answer.failed.line, up.answer.failed.statement], [3, 2], 'lines are counted once');
      assert.deepEqual(up.answer.applied.map((one) => [one.name, one.statements]), [['0001_one', 2], ['0002_two', 1]]);
      project.write('0003_three.sql', '\uFEFF-- guildhall: transaction=none\r\nCREATE TABLE v (x integer);\r\n');
      assert.equal((await project.migrate('resume')).code, 0);
      project.write('0001_one.sql', '-- guildhall: statement_timeout=5s\nCREATE TABLE t (x integer);\nINSERT INTO t VALUES (1);\n');
      assert.equal((await project.states())[0], '0001_one cosmetic', 'the same with other line ends and no mark');
      const down = await project.json('down', '0001', '--cascade', '--confirm-data-loss=all');
      assert.equal(down.code, 0, down.stderr);
      assert.deepEqual(down.answer.reverted.map((one) => one.name), ['0003_three', '0002_two', '0001_one']);
    });

    test(`that change during the run: what was read at its start is what is run and journaled, on ${where}`, async () => {
      const project = await make();
      await project.execute('CREATE TABLE past (x integer)');
      const slow = 'CREATE TABLE n AS WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < 4000000) SELECT count(*) AS n FROM s;';
      const [second, third] = ['CREATE TABLE t (x integer);', 'CREATE TABLE u (x integer);'];
      project.write('0001_slow.sql', slow);
      project.write('0002_second.sql', second);
      project.write('0003_third.sql', third);
      const runner = project.begin('up', '--no-backup', '--i-accept-data-loss');
      await until('the run to hold the lock', async () => (await project.json('status')).answer.lock.held);
      project.write('0001_slow.sql', 'CREATE TABLE other (x integer);');
      project.write('0002_second.sql', 'CREATE TABLE t (x integer, y integer);');
      rmSync(join(project.dir, '0003_third.sql'));
      project.write('0004_fourth.sql', 'CREATE TABLE w (x integer);');
      assert.equal((await runner.ended).code, 0, runner.stderr());
      assert.match(runner.stdout(), /up 3\/3 0003_third/);
      assert.deepEqual(await project.states(), ['0001_slow changed', '0002_second changed', '0003_third missing', '0004_fourth pending']);
      await project.query('SELECT x FROM u');
      await assert.rejects(project.query('SELECT y FROM t'));
      project.write('0001_slow.sql', slow);
      project.write('0002_second.sql', second);
      project.write('0003_third.sql', third);
      assert.deepEqual((await project.states()).slice(0, 3), ['0001_slow applied', '0002_second applied', '0003_third applied']);
    });
  }
});
