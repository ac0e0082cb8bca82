// kill -9 at random moments, of the conversion and of the PostgreSQL server under it, with the old bot's writes beside:
// the same command again ends well, and all is as after a run that nobody disturbed. And two that begin at once.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { full, sleep, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';
import { Writers, assertSame, makeOld, newBot, postgres, untilDone } from './support.mjs';

const words = '--shape with_dashboard --half-migrated --viewers 2000 --servers 900000000000000001,900000000000000002';
const ends = { apply: 'expanded', contract: 'contracted', rollback: 'rolled back' };

/** A command, the database that it is called on, and whether the old bot writes meanwhile. */
class Way {
  constructor(from, command, hasWriters) {
    Object.assign(this, { from, command, hasWriters, met: 0, kills: 0, runs: 0 });
  }
  /** Once without a disturbance: what it comes to, and how long it takes. */
  async measure() {
    const database = await this.from.copy();
    const begun = Date.now();
    await database.converted(this.command);
    this.takes = Date.now() - begun;
    this.whole = await database.whole();
    await database.drop();
  }
  /** Kills one at a random moment, by `kill`, and goes on. */
  async once(kill) {
    const database = await this.from.copy();
    const writers = this.hasWriters ? new Writers(database) : undefined;
    try {
      await this.killed(database, writers, kill);
    } finally {
      writers?.end();
    }
    assertSame(await database.whole(), this.whole, this.command);
    await database.drop();
  }
  async killed(database, writers, kill) {
    await writers?.begun();
    const runner = database.begin(this.command, '--lock-wait', '30s');
    await Promise.race([runner.ended, sleep((0.1 + 0.6 * Math.random()) * this.takes)]);
    await kill(database, runner);
    this.kills += 1;
    if ((await database.state()) !== ends[this.command]) this.met += 1;
    this.runs += await untilDone(database, this.command);
    await writers?.stop();
    assert.equal(await database.state(), ends[this.command]);
    assert.deepEqual(await database.halves(), []);
  }
  tell(what) {
    console.log(`# ${what}: ${this.command}${this.hasWriters ? ' beside the old bot' : ''}: ${this.kills} kills, ${this.met} within its work, ${this.runs} runs to come to the end`);
  }
}

/** The ways there and back, each from where it begins. */
async function ways(pg) {
  const old = await makeOld(pg, words);
  const expanded = await old.copy();
  await expanded.converted('apply');
  const contracted = await expanded.copy();
  await contracted.converted('contract');
  const all = [new Way(old, 'apply', true), new Way(expanded, 'contract', false), new Way(contracted, 'rollback', false), new Way(expanded, 'rollback', true)];
  for (const way of all) await way.measure();
  return all;
}

/** Apply as often as all others together. */
async function inTurns(all, moments, kill, what) {
  const [apply, ...others] = all;
  for (let i = 0; i < moments; i += 1) await (i % 2 === 0 ? apply : others[((i - 1) / 2) % others.length]).once(kill);
  for (const way of all) way.tell(what);
  const met = all.reduce((sum, way) => sum + way.met, 0);
  // Of few moments by chance fewer.
  assert.ok(met * (full ? 2 : 3) >= moments, `${met} of ${moments} kills met their work`);
}

describe('kill -9 at random moments', { concurrency: 2 }, () => {
  test('of the conversion', { timeout: 880_000 }, async () => {
    const all = await ways(await postgres());
    // What the server does for a client that is gone goes on, or ends with it where its machine went.
    await inTurns(all, full ? 200 : 20, async (database, runner) => {
      await runner.stop('SIGKILL');
      if (Math.random() < 0.5) await database.endBackends();
    }, 'the conversion');
  });

  test('of the PostgreSQL server', { timeout: 880_000 }, async () => {
    const pg = await startPostgres();
    await pg.execute('postgres', `CREATE ROLE ${newBot} LOGIN`);
    const all = await ways(pg);
    await inTurns(all, full ? 30 : 8, async (_database, runner) => {
      await pg.kill();
      const { code } = await runner.ended;
      await pg.restart();
      assert.ok(code !== null, 'it did not end by itself');
    }, 'the server');
  });
});

describe('two at once', () => {
  let old;
  before(async () => (old = await makeOld(await postgres(), words)));
  test('of which one is refused, or waits', { timeout: 120_000 }, async () => {
    const undisturbed = await old.copy();
    await undisturbed.converted('apply');
    for (const wait of [[], ['--lock-wait', '60s']]) {
      const database = await old.copy();
      const first = database.begin('apply', ...wait);
      await until('the first to work', async () => (await database.state()) === 'expanding');
      const second = await database.convert('apply', ...wait);
      assert.equal((await first.ended).code, 0, first.stderr());
      assert.equal(second.code, wait.length ? 0 : 4, second.stderr);
      if (wait.length) assert.match(second.stdout, /Nothing to do/);
      const both = await database.query("SELECT count(*)::int AS n FROM guildhall.guildhall_conversion");
      assert.deepEqual(both, [{ n: 1 }]);
      const twice = await database.query("SELECT step FROM guildhall.guildhall_conversion_steps WHERE state = 'done' GROUP BY 1 HAVING count(*) > 1");
      assert.deepEqual(twice, []);
      assertSame(await database.whole(), await undisturbed.whole(), 'two at once');
    }
  });
  test('from the same moment', { timeout: 120_000 }, async () => {
    for (let i = 0; i < 3; i += 1) {
      const database = await old.copy();
      const codes = (await Promise.all([1, 2, 3].map(() => database.convert('apply')))).map(({ code }) => code).sort();
      assert.equal(codes[0], 0);
      assert.ok(codes.every((code) => code === 0 || code === 4), `exits ${codes}`);
      assert.deepEqual(await database.query('SELECT count(*)::int AS n FROM guildhall.guildhall_conversion'), [{ n: 1 }]);
      await database.drop();
    }
  });
});
