// Runners that begin at the same moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../support/guildhall.mjs';
import { Project, postgres, projects } from './support.mjs';

const rounds = 100;
const quick = ['--no-backup', '--i-accept-data-loss']; // what they race for is the lock

describe('two runners at once', { concurrency: 2 }, () => {
  for (const [where, make] of projects) {
    test(`${rounds} times on ${where}: each migration is applied once`, { timeout: 300_000 }, async () => {
      const project = await make();
      project.write('0000_runs.sql', 'CREATE TABLE runs (n integer NOT NULL);');
      assert.equal((await project.migrate('up')).code, 0);
      const codes = {};
      for (let i = 1; i <= rounds; i += 1) {
        project.write(`${String(i).padStart(4, '0')}_row.sql`, `INSERT INTO runs VALUES (${i});`);
        // Half of them wait for each other, half do not.
        const wait = i % 2 ? ['--lock-wait', '60s'] : [];
        const both = await Promise.all([0, 1].map(() => project.migrate('up', ...quick, ...wait)));
        for (const { code, stderr } of both) {
          codes[code] = (codes[code] ?? 0) + 1;
          assert.ok(code === 0 || (code === 4 && wait.length === 0), `exit ${code}: ${stderr}`);
        }
        assert.ok(both.some(({ code }) => code === 0));
      }
      const [{ n, of }] = await project.query('SELECT count(*) AS n, count(DISTINCT n) AS of FROM runs');
      assert.deepEqual([Number(n), Number(of)], [rounds, rounds]);
      console.log(`# ${rounds} rounds of two runners on ${where}: exits ${JSON.stringify(codes)}`);
    });
  }
});

describe('a runner beside another that works', () => {
  test('waits until an index is built beside the writers, and hinders it not', { timeout: 60_000 }, async () => {
    const project = await Project.onPostgres();
    project.write('0000_table.sql', 'CREATE TABLE t (x integer);');
    assert.equal((await project.migrate('up')).code, 0);
    project.write('0001_index.sql', 'CREATE INDEX CONCURRENTLY t_x ON t (x);');
    const server = await postgres();
    const writer = server.begin(project.name, 'BEGIN; INSERT INTO t VALUES (1); SELECT pg_sleep(600)');
    await until('the writer', async () => (await project.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND state = 'active'")).length);
    const first = project.begin('up', ...quick);
    await until('the index', async () => (await project.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'")).length);
    const second = project.begin('up', '--lock-wait', '60s', ...quick);
    // What it does stands there within a second.
    await until('a refusal that names the work', async () => {
      const refused = await project.migrate('up', ...quick);
      assert.equal(refused.code, 4, refused.stderr);
      return /0001_index/.test(refused.stderr);
    });
    await server.execute(project.name, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()");
    await writer.ended;
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [{ code: 0, signal: null }, { code: 0, signal: null }]);
    assert.deepEqual(await project.query("SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = 't_x'::regclass"), [{ valid: true }]);
  });

  test('that is frozen may end its sessions, never take its place; and that one wakes to nothing', { timeout: 60_000 }, async () => {
    const project = await Project.onPostgres();
    project.write('0000_slow.sql', 'CREATE TABLE t (x integer);\nINSERT INTO t SELECT 1 FROM pg_sleep(1);');
    const frozen = project.begin('up', ...quick);
    await until('its work', async () => (await project.query("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'INSERT INTO t SELECT 1%' AND state = 'active' AND pid <> pg_backend_pid()")).length);
    frozen.child.kill('SIGSTOP');
    await project.execute("UPDATE guildhall.migration_lock SET heartbeat_at = heartbeat_at - interval '11 minutes'");
    const refused = await project.migrate('up', ...quick);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /unlock --terminate|--terminate/);
    assert.equal((await project.migrate('unlock', '--terminate')).code, 0);
    assert.equal((await project.migrate('up', ...quick)).code, 0);
    frozen.child.kill('SIGCONT');
    const { code } = await frozen.ended;
    assert.ok([3, 4].includes(code), `exit ${code}: ${frozen.stderr()}`);
    assert.deepEqual(await project.query('SELECT count(*)::int AS n FROM t'), [{ n: 1 }]);
    assert.deepEqual(await project.states(), ['0000_slow applied']);
  });
});
