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

/** Kills one after another, each at a random moment of its work; and counts those that met it there. */
class Kills {
  constructor(project, ...flags) {
    this.project = project;
    this.flags = flags;
    this.longest = 20; // milliseconds that the work takes
    this.met = 0;
  }
  /** Begins `up`; resolved once it has the lock, or has ended. */
  async begin() {
    const runner = this.project.begin('up', ...this.flags);
    const locked = new Promise((done) => runner.child.stdout.on('data', () => runner.stdout().includes('lock: acquired') && done()));
    await Promise.race([locked, runner.ended]);
    return runner;
  }
  /** Kills one while it works, and lets a plain one come through. */
  async once(moment = () => sleep(Math.random() * this.longest)) {
    const runner = await this.begin();
    await moment();
    await runner.stop('SIGKILL');
    if ((await this.project.states()).some((line) => !line.endsWith(' applied'))) this.met += 1;
    const next = await this.begin();
    const begun = Date.now();
    assert.equal((await next.ended).code, 0, next.stderr());
    this.longest = Date.now() - begun;
  }
  tell(what) {
    assert.ok(this.met * 2 >= moments, `${this.met} of ${moments} kills met their work`);
    console.log(`# ${moments} kills, ${this.met} of them within ${what}`);
  }
}

describe('kill -9', { concurrency: 2 }, () => {
  for (const [where, make] of projects) {
    test(`${moments} times within transactions on ${where}`, { timeout: 300_000 }, async () => {
      const project = await make();
      const kills = new Kills(project, ...quick);
      const slow = 'INSERT INTO t SELECT g.a * 1000 + h.a FROM (WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < 200) SELECT a FROM s) g, (WITH RECURSIVE s(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM s WHERE a < 200) SELECT a FROM s) h;';
      for (let i = 0; i < moments; i += 1) {
        const number = String(i).padStart(4, '0');
        project.write(`${number}_fill.sql`, `${i === 0 ? 'CREATE TABLE t (x integer);' : ''}\n${slow}\n${slow}`);
        await kills.once();
        const [{ n }] = await project.query('SELECT count(*) AS n FROM t');
        assert.equal(Number(n), (i + 1) * 80_000, 'a migration ran twice or in part');
      }
      kills.tell(`transactions on ${where}`);
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
      const kills = new Kills(project, ...quick);
      for (let i = 1; i <= moments; i += 1) {
        // The first is surely met in the middle.
        project.write(`${String(i).padStart(4, '0')}_count.sql`, `-- guildhall: batch=t(id) size=50 pause=${i === 1 ? 20 : 1}ms\nUPDATE t SET n = n + 1;`);
        await kills.once(i === 1 ? midway : undefined);
        assert.equal(await counted(i), rows, 'a row was changed twice or left out');
      }
      assert.ok((await project.states()).every((line) => line.endsWith(' applied')));
      const journal = await project.query(`SELECT batch_rows AS n FROM ${where === 'SQLite' ? '' : 'guildhall.'}migration_journal WHERE direction = 'up' AND batch_key IS NOT NULL`);
      assert.deepEqual(journal.map(({ n }) => Number(n)), Array(moments).fill(rows));
      kills.tell(`a batch on ${where}`);
    });
  }

  test(`${moments} times while an index is built beside the writers`, { timeout: 300_000 }, async () => {
    const project = await Project.onPostgres();
    project.write('0000_table.sql', 'CREATE TABLE t (x integer, y text); INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, 60000) n;');
    assert.equal((await project.migrate('up')).code, 0);
    const kills = new Kills(project, ...quick);
    for (let i = 1; i <= moments; i += 1) {
      project.write(`${String(i).padStart(4, '0')}_index.sql`, `-- guildhall: transaction=none\nINSERT INTO t VALUES (-${i}, 'once');\nCREATE INDEX CONCURRENTLY t_${i} ON t (y, x);\nINSERT INTO t VALUES (-${i}, 'twice');`);
      await kills.once();
    }
    const indexes = await project.query("SELECT count(*) FILTER (WHERE indisvalid)::int AS valid, count(*)::int AS n FROM pg_index WHERE indrelid = 't'::regclass");
    assert.deepEqual(indexes, [{ valid: moments, n: moments }]);
    const [{ n }] = await project.query('SELECT count(*)::int AS n FROM t WHERE x < 0');
    assert.equal(n, 2 * moments, 'a statement ran twice or not at all');
    kills.tell('the building of an index');
  });

  for (const [where, make] of projects) {
    test(`${moments} times while a backup is taken on ${where}`, { timeout: 300_000 }, async () => {
      const project = await make();
      project.write('0000_table.sql', 'CREATE TABLE t (x integer);');
      assert.equal((await project.migrate('up', ...quick)).code, 0);
      const kills = new Kills(project);
      for (let i = 1; i <= moments; i += 1) {
        project.write(`${String(i).padStart(4, '0')}_row.sql`, `INSERT INTO t VALUES (${i});`);
        await kills.once();
        const torsos = readdirSync(project.backups).filter((name) => !/\.(json|partial(-journal)?)$/.test(name) && !existsSync(join(project.backups, `${name}.json`)));
        assert.deepEqual(torsos, [], 'what was not proved has a name');
      }
      const [{ n }] = await project.query('SELECT count(*) AS n FROM t');
      assert.equal(Number(n), moments);
      kills.tell(`a backup on ${where}`);
    });
  }
});
