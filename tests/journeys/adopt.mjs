// The guide's walk from one server to many, as an operator takes it: every command of docs/guide/adopt.md is
// run as it stands there, in its order, on the databases of old bots.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { root, run, temporaryFolder } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';

const guide = readFileSync(join(root, 'docs/guide/adopt.md'), 'utf8');
const commands = [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap((block) => block[1].trim().split('\n'));
const oldDatabase = join(root, 'build/release/tests/old_database');

let postgres;
let folder;
before(async () => {
  postgres = await startPostgres();
  folder = temporaryFolder();
  await postgres.execute('postgres', 'CREATE DATABASE kickbot', 'operator');
});

const script = async (...args) => {
  const made = await run(args, { program: oldDatabase });
  assert.equal(made.code, 0, made.stderr);
  return made.stdout;
};

const guildhall = (line, env = {}) => {
  const [program, ...args] = line.split(' ');
  assert.equal(program, 'guildhall', line);
  return run(args, { cwd: folder, env, timeout: 120_000 });
};

test('each command of the guide does what the guide says', async () => {
  const url = postgres.url('operator', 'kickbot');
  const loaded = await run(['-XAtq', '-v', 'ON_ERROR_STOP=1', url], {
    program: '/usr/lib/postgresql/15/bin/psql', input: await script('kick', '--viewers', '200', '--tame'),
  });
  assert.equal(loaded.code, 0, loaded.stderr);
  const club = await run([join(folder, 'club.db')], { program: 'sqlite3', input: await script('reading') });
  assert.equal(club.code, 0, club.stderr);

  const sums = 'SELECT sum(points)::text AS points, (SELECT sum(minutes)::text FROM watchtime) AS minutes FROM user_points';
  const before = await postgres.query('kickbot', sums, 'operator');
  const states = [];
  for (const line of commands) {
    const result = await guildhall(line, { GUILDHALL_DATABASE_URL: url });
    assert.equal(result.code, 0, `${line}\n${result.stdout}${result.stderr}`);
    const status = await guildhall('guildhall convert status --json', { GUILDHALL_DATABASE_URL: url });
    states.push(JSON.parse(status.stdout).conversion?.state ?? 'none');
    assert.deepEqual(await postgres.query('kickbot', sums, 'operator'), before, `points and minutes after: ${line}`);
  }
  assert.deepEqual([...new Set(states)], ['none', 'expanded', 'contracted', 'rolled back']);
  assert.ok(existsSync(join(folder, 'report.html')), 'the report is there');
  assert.ok(commands.length >= 10, 'the guide has its commands');
});

test('two servers run after it, and a rollback does not mix them', async () => {
  const env = { GUILDHALL_DATABASE_URL: postgres.url('operator', 'kickbot') };
  for (const line of ['guildhall convert apply --preset kick', 'guildhall convert contract --no-seal'])
    assert.equal((await guildhall(line, env)).code, 0, line);
  await postgres.execute('kickbot', `INSERT INTO servers (discord_server_id) VALUES (900000000000000002);
    INSERT INTO user_points (discord_server_id, kick_username, points)
    SELECT 900000000000000002, kick_username, 5 FROM user_points`, 'operator');

  const refused = await guildhall('guildhall convert rollback', env);
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /200 in user_points/);
  assert.match(refused.stderr, /--archive/);
  assert.equal((await guildhall('guildhall convert rollback --archive', env)).code, 0);
  for (const line of ['guildhall convert apply --preset kick', 'guildhall convert contract --no-seal', 'guildhall convert restore'])
    assert.equal((await guildhall(line, env)).code, 0, line);
  assert.deepEqual(await postgres.query('kickbot', `SELECT discord_server_id::text AS server, count(*)::int AS members
    FROM user_points GROUP BY 1 ORDER BY 1`, 'operator'),
  [{ server: '900000000000000001', members: 200 }, { server: '900000000000000002', members: 200 }]);
});

test('what cannot be meant is refused, and nothing is changed', async () => {
  const url = postgres.url('operator', 'postgres');
  const cases = [
    ['guildhall convert plan', 2, /no description/],
    ['guildhall convert plan --preset kik', 2, /kick and reading-club/],
    ['guildhall convert plan --preset kick --tables x.toml', 2, /exclude each other/],
    ['guildhall convert apply --preset kick --server 0', 2, /is not the id/],
    ['guildhall convert apply --preset kick --server -5', 2, /is not the id/],
    ['guildhall convert apply --preset kick --server 9223372036854775808', 2, /is not the id/],
    ['guildhall convert contract', 2, /--seal ROLE or --no-seal/],
    ['guildhall convert apply --preset kick --serv 5', 2, /--server/],
    ['guildhall convert plan --preset kick --server 5', 6, /another program's database/],
    ['guildhall convert rollback', 6, /no conversion has begun/],
  ];
  for (const [line, code, sentence] of cases) {
    const result = await guildhall(line, { GUILDHALL_DATABASE_URL: url });
    assert.equal(result.code, code, `${line}: ${result.stdout}${result.stderr}`);
    assert.match(result.stderr + result.stdout, sentence, line);
  }
  const nowhere = await guildhall('guildhall convert plan --preset kick --url postgres://nobody@127.0.0.1:1/none');
  assert.equal(nowhere.code, 3, nowhere.stderr);
  assert.equal((await guildhall('guildhall convert inspect --preset kick --url sqlite:missing.db')).code, 2);
});
