// kill -9 of `guildhall import kick`, of one that follows the old bot as well: the same command again brings every minute
// and every point once, whatever the old bot wrote meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { full, query, run, sleep, start, temporaryFolder } from '../support/guildhall.mjs';
import { setUp, startPostgres } from '../support/postgres.mjs';
import { Writers, home, makeOld, postgres } from './support.mjs';

const moments = full ? 60 : 3;
const words = '--tame --viewers 300';

const importing = (database, folder, ...more) => ['import', 'kick', '--from', database.url, '--server', home, '--data-dir', folder, '--json', ...more];

/** Everything that two imports of the same rows have in common. */
const whole = (folder) => Promise.all([
  'SELECT i.folded_name AS name, w.watched_us, w.subscribed_us FROM watchtime w JOIN identities i USING (discord_server_id, person_id) ORDER BY 1, 2',
  'SELECT i.folded_name AS name, l.amount, l.kind, l.operation_id, l.line FROM ledger l JOIN identities i ON i.discord_server_id = l.discord_server_id AND i.person_id = l.holder_id ORDER BY 1, 4, 5, 2',
  'SELECT item, old_key, credited, debited, value, times FROM import_carried ORDER BY 1, 2',
].map((sql) => query(folder, sql)));

/** Kills one at a random moment of its work and goes on with another until one has ended well: its answer. */
async function killedOnce(database, folder, takes, more, counts) {
  const runner = start(importing(database, folder, ...more));
  await Promise.race([runner.ended, sleep((0.1 + 0.9 * Math.random()) * takes)]);
  const { signal } = await runner.stop('SIGKILL');
  counts.kills += 1;
  if (signal === 'SIGKILL') counts.met += 1;
  const texts = [];
  for (let times = 0; times < 10; times += 1) {
    const result = await run(importing(database, folder, ...more));
    if (result.code === 0) return JSON.parse(result.stdout);
    texts.push(`exit ${result.code}: ${result.stdout}${result.stderr}`);
  }
  return assert.fail(`the import does not come to its end: ${texts.join('\n')}`);
}

function tell(what, { kills, met }) {
  console.log(`# ${what}: ${kills} kills, ${met} within its work`);
  assert.ok(met * 3 >= kills, `${met} of ${kills} kills met their work`);
}

/** Minutes and points by name, of the old database and of the new one, which `ask` answers for. */
async function compared(database, folder, ask = (sql) => query(folder, sql)) {
  const old = await database.query('SELECT lower(username) AS name, minutes::int AS n FROM watchtime WHERE minutes > 0 ORDER BY username COLLATE "C"');
  const minutes = await ask("SELECT i.folded_name AS name, w.watched_us / 60000000 AS n FROM watchtime w JOIN identities i USING (discord_server_id, person_id) WHERE i.platform = 'kick' AND w.watched_us > 0 ORDER BY 1");
  assert.deepEqual(minutes, old, 'minutes');
  const oldPoints = await database.query('SELECT lower(kick_username) AS name, points::int AS n FROM user_points WHERE points > 0 ORDER BY kick_username COLLATE "C"');
  const points = await ask("SELECT i.folded_name AS name, b.balance AS n FROM balances b JOIN identities i ON i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id WHERE i.platform = 'kick' AND b.balance > 0 ORDER BY 1");
  assert.deepEqual(points, oldPoints, 'points');
}

test('what cannot be meant is refused in the words of the command', async () => {
  const pg = await postgres();
  const call = (from, ...more) => run(['import', 'kick', '--from', from, '--data-dir', temporaryFolder(), ...more]);
  for (const [from, words, code] of [['nonsense', [], 2], [pg.url('operator', 'no_such_database'), [], 3]]) {
    const answer = await call(from, ...words);
    assert.equal(answer.code, code, answer.stderr);
    assert.match(answer.stderr, /--from/);
    assert.doesNotMatch(answer.stderr, /--url/);
  }
  for (const ways of [['--follow', '--let-go'], ['--dry-run', '--let-go'], ['--dry-run', '--follow']]) {
    const answer = await call(pg.url('operator', 'no_such_database'), ...ways);
    assert.equal(answer.code, 2, answer.stderr);
    assert.match(answer.stderr, /exclude each other/);
  }
});

describe('kill -9 at random moments', { concurrency: 2 }, () => {
  test('of the import', { timeout: 880_000 }, async () => {
    const database = await makeOld(await postgres(), words);
    const undisturbed = temporaryFolder();
    const begun = Date.now();
    const first = await run(importing(database, undisturbed));
    assert.equal(first.code, 0, first.stderr);
    const takes = Date.now() - begun;
    const shouldBe = await whole(undisturbed);
    assert.ok(shouldBe.every((rows) => rows.length > 100), 'there is something to lose');
    const counts = { kills: 0, met: 0 };
    for (let i = 0; i < moments; i += 1) {
      const folder = temporaryFolder();
      await killedOnce(database, folder, takes, [], counts);
      assert.deepEqual(await whole(folder), shouldBe);
    }
    await compared(database, undisturbed);
    tell('the import', counts);
  });

  test('of the import that follows, beside the old bot', { timeout: 880_000 }, async () => {
    const old = await makeOld(await postgres(), words);
    const rehearsal = await old.copy();
    const begun = Date.now();
    assert.equal((await run(importing(rehearsal, temporaryFolder(), '--follow'))).code, 0);
    const takes = Date.now() - begun;
    const counts = { kills: 0, met: 0 };
    for (let i = 0; i < moments; i += 1) {
      const database = await old.copy();
      const folder = temporaryFolder();
      const writers = new Writers(database);
      try {
        await writers.begun();
        const answer = await killedOnce(database, folder, takes, ['--follow'], counts);
        assert.ok(!answer.missed_keys, `only the comparison found ${answer.missed_keys} keys`);
      } finally {
        writers.end();
      }
      await Promise.all(writers.loops);
      // Behind the fence every write is refused, and none before it.
      writers.errors = writers.errors.filter((code) => code !== 'P0001');
      await writers.stop();
      await compared(database, folder);
      const gone = await run(importing(database, folder, '--let-go'));
      assert.equal(gone.code, 0, gone.stderr);
      const left = await database.query("SELECT (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'guildhall%')::int AS triggers, (SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'guildhall%')::int AS schemas");
      assert.deepEqual(left, [{ triggers: 0, schemas: 0 }]);
      await database.drop();
    }
    tell('the import that follows', counts);
  });

  test('of the PostgreSQL servers on both sides of an import that follows', { timeout: 880_000 }, async () => {
    const source = await startPostgres();
    const target = await startPostgres();
    const old = await makeOld(source, words);
    const rehearsal = await old.copy();
    const rehearsed = await setUp(target, 'rehearsed');
    const begun = Date.now();
    assert.equal((await run(importing(rehearsal, temporaryFolder(), '--follow'), { env: rehearsed })).code, 0);
    const takes = Date.now() - begun;
    const rounds = full ? 20 : 1;
    let met = 0;
    for (let i = 0; i < rounds; i += 1) {
      for (const killed of [source, target]) {
        const database = await old.copy();
        const into = `into_${i}_${killed === source ? 'source' : 'target'}`;
        const env = await setUp(target, into);
        const folder = temporaryFolder();
        const words = importing(database, folder, '--follow');
        const writers = new Writers(database);
        try {
          await writers.begun();
          const runner = start(words, { env });
          await Promise.race([runner.ended, sleep((0.1 + 0.7 * Math.random()) * takes)]);
          await killed.kill();
          const { code } = await runner.ended;
          await killed.restart();
          assert.ok(code !== null, 'it did not end by itself');
          if (code !== 0) {
            met += 1;
            assert.match(runner.stderr(), /^guildhall: .*\nhint: /m, 'it says what is wrong, and the way out');
          }
          const again = await run(words, { env });
          assert.equal(again.code, 0, again.stderr);
          assert.ok(!JSON.parse(again.stdout).missed_keys, again.stdout);
        } finally {
          writers.end();
        }
        await Promise.all(writers.loops);
        writers.errors = writers.errors.filter((state) => state !== 'P0001'); // refused behind the fence
        await writers.stop();
        await compared(database, folder, (sql) => target.query(into, sql));
        await database.drop();
      }
    }
    console.log(`# the servers: ${2 * rounds} kills, ${met} within its work`);
    assert.ok(met > 0, 'no kill met the import');
  });
});
