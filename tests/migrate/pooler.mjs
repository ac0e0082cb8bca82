// A connection pooler between the tool and the server, which gives each transaction another session.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, start, temporaryFolder, until } from '../support/guildhall.mjs';
import { postgres, Project } from './support.mjs';

/** Starts one; the function ends it and is told where it listens. */
async function pooler(pg, ignored, size = 5) {
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `[databases]\n* = host=${pg.folder} user=operator\n[pgbouncer]\nunix_socket_dir = ${folder}\nlisten_addr =\nauth_type = any\npool_mode = transaction\nignore_startup_parameters = ${ignored}\ndefault_pool_size = ${size}\n`);
  const words = ['pgbouncer', file];
  const started = process.getuid() === 0
    ? start(['--reuid=postgres', '--regid=postgres', '--clear-groups', ...words], { program: 'setpriv' })
    : start(words.slice(1), { program: words[0] });
  const url = (database) => `postgres://operator@${folder.replaceAll('/', '%2F')}:6432/${database}`;
  await until('the pooler to answer', async () => (await run(['-XAtqc', 'SELECT 1', url('postgres')], { program: '/usr/lib/postgresql/15/bin/psql' })).code === 0);
  return { url, stop: () => started.stop('SIGTERM') };
}

const quick = ['--no-backup', '--i-accept-data-loss'];

/** A project whose address leads through one; `direct` is the server's own. */
async function pooledProject(t, ignored = 'extra_float_digits', size = 5) {
  const project = await Project.onPostgres();
  const { url, stop } = await pooler(await postgres(), ignored, size);
  t.after(stop);
  project.direct = project.url;
  project.url = url(project.name);
  return project;
}

/** What was left in the sessions that the pooler gives to the next. */
async function leftovers(project) {
  const seen = await run(['-XAtqc', "SELECT current_setting('search_path'), current_setting('lock_timeout'), current_setting('statement_timeout'), current_user", project.url], { program: '/usr/lib/postgresql/15/bin/psql' });
  const advisory = await project.query("SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
  return `${seen.stdout.trim()}|${advisory[0].n}`;
}
const nothing = '"$user", public|0|0|operator|0';

/** The row of a runner on another machine that was last heard of so many minutes ago. */
const holder = (project, minutes) => project.execute(`INSERT INTO guildhall.migration_lock (lock_id, token, locked_by, host, os_pid, locked_at, heartbeat_at, command)
  VALUES (1, 77, 'deploy', 'elsewhere', 4711, now(), now() - interval '${minutes} minutes', 'up') ON CONFLICT (lock_id) DO UPDATE SET token = 77, heartbeat_at = excluded.heartbeat_at`);

describe('a connection pooler', () => {
  for (const [what, ignored] of [['that refuses our settings', 'extra_float_digits'], ['that takes and forgets them', 'extra_float_digits,options']]) {
    test(`${what} is noticed: no backup, nothing but transactions, and the server itself with --direct-url`, async (t) => {
      const project = await pooledProject(t, ignored);
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      const refused = await project.migrate('up');
      assert.equal(refused.code, 6, refused.stderr);
      assert.match(refused.stderr, /^MG-POOLER: .*a backup cannot be taken through it\nhint: Name the server itself with --direct-url/);
      const examined = await project.json('doctor');
      assert.equal(examined.code, 6, examined.stdout);
      assert.ok(examined.answer.checks.some(({ topic, level }) => topic === 'pooler' && level === 'problem'));
      for (const words of [['backup'], ['baseline', '--match'], ['verify', '--roundtrip']]) {
        const other = await project.migrate(words[0], ...words.slice(1));
        assert.equal(other.code, 6, `${words.join(' ')}: ${other.stdout}${other.stderr}`);
        assert.match(other.stderr, /pooler.*\nhint: Name the server itself with --direct-url/);
      }
      assert.deepEqual(await project.states(), ['0001_table pending']);
      const up = await project.json('up', '--direct-url', project.direct);
      assert.equal(up.code, 0, up.stderr);
      assert.equal(up.answer.backup.verified, true);
      const restored = await project.migrate('restore', up.answer.backup.file);
      assert.equal(restored.code, 6, restored.stderr);
      assert.match(restored.stderr, /pooler/);

      project.write('0002_index.sql', '-- guildhall: transaction=none\nCREATE INDEX CONCURRENTLY t_x ON t (x);');
      const whole = await project.migrate('up', ...quick);
      assert.equal(whole.code, 6, whole.stderr);
      assert.match(whole.stderr, /^MG-POOLER: .*0002_index is not one transaction/);
      assert.equal((await project.migrate('up', ...quick, '--direct-url', project.direct)).code, 0);
      assert.deepEqual(await project.states(), ['0001_table applied', '0002_index applied']);
      const elsewhere = await Project.onPostgres();
      const wrong = await project.migrate('up', ...quick, '--direct-url', elsewhere.url);
      assert.equal(wrong.code, 6);
      assert.match(wrong.stderr, /^MG-DIRECT: /);
    });
  }

  test('is worked through in transactions, of one session for all, and nothing is left in it', async (t) => {
    const project = await pooledProject(t, 'extra_float_digits', 1);
    project.use('first');
    project.write('0005_sets.sql', "SET search_path = pg_catalog; SET lock_timeout = '7s'; SELECT pg_advisory_lock(5); CREATE TEMP TABLE passing (x integer); SELECT set_config('statement_timeout', '9s', false); CREATE TABLE public.kept (x integer);");
    project.write('0005_sets.down.sql', 'DROP TABLE public.kept;');
    const up = await project.json('up', ...quick);
    assert.equal(up.code, 0, up.stderr);
    assert.match(up.stderr, /by its row alone/);
    assert.deepEqual(up.answer.applied.map(({ statements }) => statements), [101, 2, 13, 6]);
    assert.equal(await leftovers(project), nothing);
    assert.deepEqual(await project.query("SELECT 1 AS n FROM pg_class WHERE relname = 'passing'"), []);
    // The schema that was read is the one that a session of our own reads.
    project.url = project.direct;
    assert.equal((await project.migrate('verify', '--schema')).code, 0);
  });

  test('goes back and fails like without one, and the lock is free again', async (t) => {
    const project = await pooledProject(t);
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    project.write('0002_bad.sql', 'CREATE TABLE u (x integer);\nSELECT * FROM nowhere;');
    const bad = await project.json('up', ...quick);
    assert.equal(bad.code, 1, bad.stderr);
    assert.deepEqual([bad.answer.failed.name, bad.answer.failed.line], ['0002_bad', 2]);
    assert.deepEqual(await project.states(), ['0001_table applied', '0002_bad failed']);
    assert.deepEqual(await project.query("SELECT to_regclass('u') AS u"), [{ u: null }]);
    assert.equal((await project.migrate('down', '--confirm-data-loss=all', ...quick)).code, 0);
    assert.deepEqual(await project.query("SELECT to_regclass('t') AS t"), [{ t: null }]);
    assert.match((await project.migrate('unlock')).stdout, /^lock: free/);
  });

  test('leaves the lock to its row: ten minutes of silence, and not by time alone what a token fences off', async (t) => {
    const project = await pooledProject(t);
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    assert.equal((await project.migrate('up', ...quick)).code, 0);
    project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
    await holder(project, 9);
    const fresh = await project.migrate('up', ...quick);
    assert.equal(fresh.code, 4, fresh.stderr);
    assert.match(fresh.stderr, /^MG-LOCK: held by deploy@elsewhere pid 4711 .*\nhint: .*ten minutes of silence/);
    const kept = await project.migrate('unlock');
    assert.equal(kept.code, 4, kept.stdout);
    assert.equal(await leftovers(project), nothing);
    assert.equal((await project.migrate('unlock', '--force', '77')).code, 0);
    await holder(project, 11);
    const stale = await project.migrate('up', ...quick);
    assert.equal(stale.code, 0, stale.stderr);
    assert.match(stale.stdout, /lock: taken over from elsewhere pid 4711 \(silent\)/);
  });

  test('keeps runners through it and beside it apart', { timeout: 120_000 }, async (t) => {
    const project = await pooledProject(t);
    project.write('0000_runs.sql', 'CREATE TABLE runs (n integer NOT NULL);');
    const first = await Promise.all([0, 1, 2].map(() => project.migrate('up', ...quick, '--lock-wait', '30s')));
    for (const { code, stderr } of first) assert.equal(code, 0, stderr);
    for (let i = 1; i <= 10; i += 1) {
      project.write(`${String(i).padStart(4, '0')}_row.sql`, `INSERT INTO runs VALUES (${i}); SELECT pg_sleep(0.05);`);
      const ways = [[], [], ['--direct-url', project.direct]];
      const all = await Promise.all(ways.map((way) => project.migrate('up', ...quick, '--lock-wait', '60s', ...way)));
      for (const { code, stderr } of all) assert.equal(code, 0, stderr);
    }
    assert.deepEqual(await project.query('SELECT count(*)::int AS n, count(DISTINCT n)::int AS of FROM runs'), [{ n: 10, of: 10 }]);

    project.write('0011_slow.sql', 'SELECT pg_sleep(30);');
    const slow = project.begin('up', ...quick);
    await until('it to sleep', async () => (await project.query("SELECT 1 AS n FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()")).length > 0);
    const beside = await project.migrate('up', ...quick);
    assert.equal(beside.code, 4, beside.stdout + beside.stderr);
    await slow.stop('SIGKILL');
    project.write('0011_slow.sql', 'INSERT INTO runs VALUES (11);');
    assert.equal((await project.migrate('up', ...quick)).code, 0, 'whose process is gone from this machine is gone');
  });
});
