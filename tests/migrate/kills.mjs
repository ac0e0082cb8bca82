// kill -9 at random moments of each kind of migration: the next plain `up` succeeds, at once, and everything is there
// once.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { full, sleep } from '../support/guildhall.mjs';
import { Project, projects } from './support.mjs';

const moments = full ? 20 : 5;
const quick = ['--no-backup', '--i-accept-data-loss']; // so that the kill meets the migration

/** Begins `up`, kills it after a while, and lets another one come through. */
async function killAndGoOn(project, longest, ...flags) {
  return killWhenAndGoOn(project, () => sleep(Math.random() * longest), ...flags);
}

async function killWhenAndGoOn(project, moment, ...flags) {
  const runner = project.begin('up', ...flags);
  await moment();
  await runner.stop('SIGKILL');
  const begun = Date.now();
  const next = await project.migrate('up', '--lock-wait', '30s', ...flags);
  assert.equal(next.code, 0, `${next.stdout}${next.stderr}`);
  return Date.now() - begun;
}

describe('kill -9', { concurrency: 2 }, () => {
  for (const [where, make] of projects) {
    test(`${moments} times within transactions on ${where}`, { timeout: 300_000 }, async () => {
      const project = await make();
      const slow = 'INSERT INTO t SELECT g.a * 1000 + h.a FROM (WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < 200) SELECT a FROM s) g, (WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < 200) SELECT a FROM s) h;';
      for (let i = 0; i < moments; i += 1) {
        const number = String(i).padStart(4, '0');
        project.write(`${number}_fill.sql`, `${i === 0 ? 'CREATE TABLE t (x integer);' : ''}\n${slow}\n${slow}`);
        await killAndGoOn(project, 250, ...quick);
        const [{ n }] = await project.query('SELECT count(*) AS n FROM t');
        assert.equal(Number(n), (i + 1) * 80_000, 'a migration ran twice or in part');
      }
      assert.ok((await project.states()).every((line) => line.endsWith(' applied')));
    });
  }

  for (const [where, make] of projects) {
    test(`${moments} times within a batch on ${where}`, { timeout: 300_000 }, async () => {
      const project = await make();
      const rows = 3_000;
      project.write('0000_table.sql', `CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL);\nINSERT INTO t SELECT a, 0 FROM (WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < ${rows}) SELECT a FROM s) s;`);
      assert.equal((await project.migrate('up', ...quick)).code, 0);
      const counted = async (n) => Number((await project.query(`SELECT count(*) AS n FROM t WHERE n = ${n}`))[0].n);
      // A file may be locked just now.
      const midway = async () => {
        while ((await counted(1).catch(() => 0)) === 0) await sleep(5);
      };
      for (let i = 1; i <= moments; i += 1) {
        // The first is surely met in the middle.
        project.write(`${String(i).padStart(4, '0')}_count.sql`, `-- guildhall: batch=t(id) size=50 pause=${i === 1 ? 20 : 1}ms\nUPDATE t SET n = n + 1;`);
        await killWhenAndGoOn(project, i === 1 ? midway : () => sleep(Math.random() * 400), ...quick);
        assert.equal(await counted(i), rows, 'a row was changed twice or left out');
      }
      assert.ok((await project.states()).every((line) => line.endsWith(' applied')));
      const journal = await project.query(`SELECT batch_rows AS n FROM ${where === 'SQLite' ? '' : 'guildhall.'}migration_journal WHERE direction = 'up' AND batch_key IS NOT NULL`);
      assert.deepEqual(journal.map(({ n }) => Number(n)), Array(moments).fill(rows));
    });
  }

  test(`${moments} times while an index is built beside the writers`, { timeout: 300_000 }, async () => {
    const project = await Project.onPostgres();
    project.write('0000_table.sql', 'CREATE TABLE t (x integer, y text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 60000) n;');
    assert.equal((await project.migrate('up')).code, 0);
    for (let i = 1; i <= moments; i += 1) {
      project.write(`${String(i).padStart(4, '0')}_index.sql`, `-- guildhall: transaction=none\nINSERT INTO t VALUES (-${i}, 'once');\nCREATE INDEX CONCURRENTLY t_${i} ON t (y, x);\nINSERT INTO t VALUES (-${i}, 'twice');`);
      await killAndGoOn(project, 400, ...quick);
    }
    const indexes = await project.query("SELECT count(*) FILTER (WHERE indisvalid)::int AS valid, count(*)::int AS n FROM pg_index WHERE indrelid = 't'::regclass");
    assert.deepEqual(indexes, [{ valid: moments, n: moments }]);
    const [{ n }] = await project.query('SELECT count(*)::int AS n FROM t WHERE x < 0');
    assert.equal(n, 2 * moments, 'a statement ran twice or not at all');
  });

  for (const [where, make] of projects) {
    test(`${moments} times while a backup is taken on ${where}`, { timeout: 300_000 }, async () => {
      const project = await make();
      project.write('0000_table.sql', 'CREATE TABLE t (x integer);');
      assert.equal((await project.migrate('up', ...quick)).code, 0);
      for (let i = 1; i <= moments; i += 1) {
        project.write(`${String(i).padStart(4, '0')}_row.sql`, `INSERT INTO t VALUES (${i});`);
        await killAndGoOn(project, where === 'SQLite' ? 30 : 700);
        const torsos = readdirSync(project.backups).filter((name) => !/\.(json|partial)$/.test(name) && !existsSync(join(project.backups, `${name}.json`)));
        assert.deepEqual(torsos, [], 'what was not proved has a name');
      }
      const [{ n }] = await project.query('SELECT count(*) AS n FROM t');
      assert.equal(Number(n), moments);
    });
  }
});
