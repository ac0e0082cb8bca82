// Servers that are none to convert on, or not yet: a standby, one whose log nobody takes away, a transaction that was
// prepared and forgotten. The program says so, with its exit code, and has changed nothing.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, run, temporaryFolder, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { Database, home, makeOld } from './support.mjs';

const tool = join(root, 'tools/private_postgres.sh');
const isRoot = process.getuid() === 0;

/** A server that follows `primary`, of whatever it holds by now. */
async function startStandby(primary) {
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  const made = await primary.program('pg_basebackup', ['-D', join(folder, 'data'), '-R', '-c', 'fast', '--no-sync', '-d', primary.url('postgres', 'postgres')]);
  assert.equal(made.code, 0, made.stderr);
  appendFileSync(join(folder, 'data/postgresql.conf'), `\nunix_socket_directories = '${folder}'\n`);
  if (isRoot) execFileSync('chown', ['-R', 'postgres:', folder]);
  const started = await run(['restart', folder], { program: tool });
  process.prependListener('exit', () => execFileSync(tool, ['stop', folder], { stdio: 'ignore' }));
  assert.equal(started.code, 0, started.stderr);
  return { url: (login, database) => `postgres://${login}@${folder.replaceAll('/', '%2F')}/${database}` };
}

describe('servers that are none to convert on', () => {
  let primary;
  let standby;
  let old;
  before(async () => {
    primary = await startPostgres();
    appendFileSync(join(primary.folder, 'data/pg_hba.conf'), 'local replication all trust\n');
    await primary.execute('postgres', 'ALTER SYSTEM SET max_prepared_transactions = 5');
    await primary.stop();
    await primary.restart();
    old = await makeOld(primary, '--viewers 20 --tame');
    standby = await startStandby(primary);
  });
  after(() => primary.stop());

  const plan = async (database, ...more) => {
    const result = await run(['convert', 'plan', '--url', database.url, '--preset', 'kick', '--server', home, '--json', ...more]);
    return { ...result, findings: JSON.parse(result.stdout).findings };
  };
  const schema = async () => {
    const dump = await primary.program('pg_dump', ['--schema-only', primary.url('postgres', old.name)]);
    assert.equal(dump.code, 0, dump.stderr);
    return dump.stdout.split('\n').filter((line) => !/^(--|\\)/.test(line));
  };

  test('a standby', async () => {
    const there = new Database(standby, old.name);
    const planned = await plan(there);
    assert.equal(planned.code, 3, planned.stdout);
    const found = planned.findings.find(({ code }) => code === 'CV-STANDBY');
    assert.match(found.hint, /address of the primary/);
    const attributed = await plan(there, '--by-evidence', '--default', home);
    assert.equal(attributed.code, 3, attributed.stdout);
    assert.ok(attributed.findings.some(({ code }) => code === 'CV-STANDBY'));
    const applied = await there.convert('apply');
    assert.equal(applied.code, 3, applied.stderr);
    assert.match(applied.stderr, /only reads: it is a standby/);
  });

  test('a replication slot that nobody reads from, and a standby that this login sees little of', async () => {
    await primary.execute('postgres', "SELECT pg_create_physical_replication_slot('left_behind', true)");
    const planned = await plan(old);
    assert.equal(planned.code, 0, planned.stderr);
    const of = (wanted) => planned.findings.filter(({ code }) => code === wanted);
    assert.match(of('CV-SLOT')[0].text, /nobody reads from the replication slot left_behind/);
    assert.equal(of('CV-SLOT')[0].level, 'warning');
    assert.match(of('CV-LAG')[0].text, /the standby walreceiver is behind cannot be seen/);
    assert.match(of('CV-LAG')[0].hint, /GRANT pg_read_all_stats TO "operator"/);
    await primary.execute('postgres', "SELECT pg_drop_replication_slot('left_behind')");
  });

  test('a standby that stands still is waited for, until it goes on or the patience is over', async () => {
    const replay = (what) => primary.program('psql', ['-c', `SELECT pg_wal_replay_${what}()`, standby.url('postgres', 'postgres')]);
    await primary.execute('postgres', 'GRANT pg_read_all_stats TO operator');
    const half = await makeOld(primary, '--viewers 400 --tame --half-migrated');
    assert.equal((await replay('pause')).code, 0);
    const given_up = await half.convert('apply', '--max-lag', '100ms', '--patience', '1s');
    assert.equal(given_up.code, 9, given_up.stderr);
    assert.match(given_up.stderr, /CV-LAG.*: in 1 s the standby walreceiver did not come within 100 ms of this server/s);
    const applying = half.begin('apply', '--max-lag', '100ms');
    await until('the run to wait', () => /waits for the standby walreceiver, which is \d+ ms behind/.test(applying.stdout()));
    assert.equal((await replay('resume')).code, 0);
    assert.equal((await applying.ended).code, 0, applying.stderr());
  });

  test('a transaction that was prepared and forgotten', async () => {
    await primary.execute(old.name, "BEGIN; UPDATE user_points SET points = points; PREPARE TRANSACTION 'forgotten'", 'operator');
    const before = await schema();
    const waited = await old.convert('apply', '--patience', '1s');
    assert.equal(waited.code, 9, waited.stderr);
    assert.match(waited.stderr, /user_points: server column: .*in the way: the prepared transaction 'forgotten' of operator since \d{4}/);
    await primary.execute(old.name, "ROLLBACK PREPARED 'forgotten'", 'operator');
    const back = await old.convert('rollback');
    assert.equal(back.code, 0, back.stderr);
    await primary.execute(old.name, 'DROP SCHEMA guildhall CASCADE', 'operator');
    assert.deepEqual(await schema(), before);
  });
});
