// kill -9 at every step: the same command goes on, and in the end all is as after a run that nobody disturbed.
//
// Each run is stopped by a trigger of this test's own on the tool's record of steps, which waits for a lock that the
// test holds, without the tool's own timeout: within the note that a step is done, so after its work, or that it begins.
// Then it is killed. Every note is met once, so that each run gets further than the one before.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { full, temporaryFolder } from '../support/guildhall.mjs';
import { Database, Session, assertSame, home, makeOld, newBot, postgres } from './support.mjs';

/** Of so many notes one, always the same; all in the full count. */
const someNotes = full ? 1 : 8;

const hook = (which, share = someNotes) => `
  CREATE SCHEMA hook;
  CREATE FUNCTION hook.stop() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 AS $$ BEGIN
    IF ${which} AND (hashtext(NEW.step || NEW.state) & 1023) % ${share} = 0 AND NOT EXISTS (SELECT FROM guildhall.guildhall_conversion_steps s
        WHERE s.conversion = NEW.conversion AND s.step = NEW.step AND s.state = NEW.state) THEN
      PERFORM pg_advisory_lock_shared(4711); PERFORM pg_advisory_unlock_shared(4711);
    END IF; RETURN NEW; END $$;
  CREATE TRIGGER stop BEFORE INSERT ON guildhall.guildhall_conversion_steps FOR EACH ROW EXECUTE FUNCTION hook.stop()`;
const waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

/** The tool's own tables, as it makes them, before it does. */
async function makeRecords(pg, from, database) {
  const dump = await pg.program('pg_dump', ['--schema-only', '--table=guildhall.guildhall_conversion*', pg.url('operator', from.name)]);
  await pg.execute(database.name, `CREATE SCHEMA guildhall; ${dump.stdout.replaceAll(/^(--.*|\\.*|SELECT pg_catalog.set_config.*|SET .*)$/gm, '')}`, 'operator');
}

/** The runs that it took, each of which but the last was stopped at a note and killed. */
async function killedAtEachStop(pg, database, [command, ...words], kill) {
  const sessions = [1, 2].map(() => new Session(pg.url('postgres', database.name)));
  const [watch, hold] = sessions;
  try {
    for (let runs = 1; ; runs += 1) {
      await hold.ask('SELECT pg_advisory_lock(4711)');
      const runner = database.begin(command, ...words, '--lock-wait', '30s');
      let ended;
      runner.ended.then((how) => (ended = how));
      const comes = async (sql) => {
        while (!ended) {
          const { lines } = await watch.ask(sql);
          if (lines[0] !== '0') return true;
          await new Promise((done) => setTimeout(done, 3));
        }
        return false;
      };
      const stopped = await comes(waits);
      const release = () => hold.ask('SELECT pg_advisory_unlock_all()');
      if (!stopped) {
        await release();
        assert.equal(ended.code, 0, runner.stderr());
        return runs;
      }
      await kill(runner, release, comes, watch);
    }
  } finally {
    for (const session of sessions) session.end();
  }
}

async function atTheStop(runner, release) {
  await runner.stop('SIGKILL');
  await release();
}

/** Whoever has read everything, and may again: an index is neither ready nor gone before that ends. */
const readAll = `BEGIN ISOLATION LEVEL REPEATABLE READ; DO $$ DECLARE name regclass; BEGIN
  FOR name IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace LOOP EXECUTE format('LOCK TABLE %s IN ACCESS SHARE MODE', name); END LOOP;
END $$`;
/** Lets it go on to the index that it makes or drops beside the others, and ends both sides in the middle of that. */
const inTheMiddle = (pg, database) => async (runner, release, comes, watch) => {
  const other = new Session(pg.url('postgres', database.name));
  const { error } = await other.ask(readAll);
  assert.equal(error, undefined);
  await release();
  const working = "FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%INDEX CONCURRENTLY%' AND query NOT LIKE '%pg_stat_activity%' AND state = 'active'";
  assert.ok(await comes(`SELECT count(*) ${working} AND wait_event_type = 'Lock'`), `it does not wait: ${runner.stderr()}`);
  await runner.stop('SIGKILL');
  await watch.ask(`SELECT pg_terminate_backend(pid) ${working}`);
  await comes(`SELECT 1 - least(1, count(*)) ${working}`);
  other.end();
};

/** What the shapes do not have: rights on single columns, and a table that no description knows. */
const more = `
  GRANT SELECT (points, kick_username) ON user_points TO ${newBot};
  GRANT SELECT (username) ON watchtime TO ${newBot};
  CREATE TABLE gifts (id serial PRIMARY KEY, item_id integer NOT NULL REFERENCES point_shop_items, note text UNIQUE);
  INSERT INTO gifts (item_id, note) SELECT id, 'gift ' || id FROM point_shop_items;
  CREATE INDEX gifts_item ON gifts (item_id)`;

async function oldKick(words) {
  const pg = await postgres();
  const old = await makeOld(pg, words);
  await pg.execute(old.name, more, 'operator');
  return old;
}

/** What no Kick bot has: rows that become one by each rule, a partitioned table, tables that inherit from another. */
async function special() {
  const pg = await postgres();
  const folder = temporaryFolder();
  mkdirSync(folder, { recursive: true });
  const description = join(folder, 'special.toml');
  writeFileSync(description, `
tenant_column = "server"
[registry]
table = "servers"
column = "server"
[table.members]
class = "tenant"
sums = ["points"]
duplicates = "sum"
folded = ["name"]
twins = "merge"
[table.settings]
class = "tenant"
duplicates = "newest"
newest_by = "id"
[table.points]
class = "tenant"
sums = ["points"]
[table.points_old]
class = "tenant"
[table.logs]
class = "tenant"
`);
  const name = `special_${Date.now()}`;
  await pg.execute('postgres', `CREATE DATABASE ${name} OWNER operator`);
  await pg.execute(name, `
    CREATE TABLE servers (server bigint PRIMARY KEY, name text);
    CREATE TABLE members (id serial PRIMARY KEY, name text NOT NULL UNIQUE, points integer);
    INSERT INTO members (name, points) SELECT CASE n % 2 WHEN 0 THEN 'name' ELSE 'Name' END || n / 2, n FROM generate_series(0, 399) n;
    CREATE TABLE settings (id serial PRIMARY KEY, key text NOT NULL, value text, server bigint, UNIQUE (key, server));
    INSERT INTO settings (key, value, server) SELECT 'key' || n / 2, n::text, CASE n % 2 WHEN 0 THEN ${home} END FROM generate_series(0, 399) n;
    CREATE TABLE points (id serial PRIMARY KEY, name text NOT NULL UNIQUE, points integer);
    CREATE TABLE points_old (PRIMARY KEY (id), UNIQUE (name)) INHERITS (points);
    INSERT INTO points (name, points) SELECT 'n' || n, n FROM generate_series(1, 20) n;
    INSERT INTO points_old (name, points) SELECT 'old' || n, n FROM generate_series(1, 20) n;
    CREATE TABLE logs (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, name text NOT NULL, PRIMARY KEY (id, at), UNIQUE (name, at)) PARTITION BY RANGE (at);
    CREATE TABLE logs_2025 PARTITION OF logs FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE logs_rest PARTITION OF logs DEFAULT;
    INSERT INTO logs (at, name) SELECT date '2025-12-25' + n, 'n' || n FROM generate_series(1, 20) n`, 'operator');
  return new Database(pg, name, ['--tables', description]);
}

/** Rows of a second server in those tables, under the home's keys, and what stops where they are put aside: behind the
 * first copy, behind the second, and under the lock, when they have become the archive. */
const second = `
  INSERT INTO servers VALUES (8, 'second');
  INSERT INTO members (server, name, points) SELECT 8, name, 7 FROM members;
  INSERT INTO points (server, name, points) SELECT 8, name, 8 FROM ONLY points;
  INSERT INTO logs (server, at, name) SELECT 8, at, name FROM logs`;
const inTheArchive = `
  CREATE SEQUENCE hook.calls;
  CREATE FUNCTION hook.stop_there() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 AS $$ BEGIN
    IF nextval('hook.calls') IN (1, 3, 9) THEN PERFORM pg_advisory_lock_shared(4711); PERFORM pg_advisory_unlock_shared(4711); END IF; END $$;
  CREATE EVENT TRIGGER stop_there ON ddl_command_end WHEN TAG IN ('CREATE TABLE AS', 'ALTER SCHEMA') EXECUTE FUNCTION hook.stop_there()`;
const archived = (database) => database.rowsOf('guildhall_archive', "relname <> 'guildhall_kept'");

/** The whole way there and back, beside one that nobody disturbs; with rows of a second server where `hasSecond`. */
async function thereAndBack(shape, make, which, kill, least, hasSecond = false) {
  const old = await make();
  const { pg } = old;
  const [undisturbed, killed] = [await old.copy(), await old.copy()];
  for (const command of ['apply', 'contract', 'rollback']) {
    const puts = hasSecond && command === 'rollback';
    const words = puts ? ['--archive'] : [];
    if (puts) for (const { name } of [undisturbed, killed]) await pg.execute(name, second, 'operator');
    await undisturbed.converted(command, ...words);
    if (command === 'apply') await makeRecords(pg, undisturbed, killed);
    await pg.execute(killed.name, which(command) + (puts ? `;${inTheArchive}` : ''));
    const runs = await killedAtEachStop(pg, killed, [command, ...words], kill(pg, killed));
    if (puts) {
      const [{ n }] = await killed.query('SELECT last_value::int AS n FROM hook.calls');
      assert.ok(n > 9, `it was met ${n} times as it put rows aside`);
    }
    await pg.execute(killed.name, 'DROP SCHEMA hook CASCADE');
    assert.deepEqual(await killed.halves(), []);
    assertSame(await killed.whole(), await undisturbed.whole(), command);
    if (puts) {
      const rows = await archived(undisturbed);
      assert.ok(rows.filter(({ n }) => n > 0).length > 3, JSON.stringify(rows));
      assertSame({ rows: await archived(killed) }, { rows }, 'the archive');
    }
    assert.ok(runs > least[command], `only ${runs} runs`);
    console.log(`# ${shape}: ${command} killed ${runs - 1} times`);
  }
  await Promise.all([old, undisturbed, killed].map((database) => database.drop()));
}

const dashboard = '--shape with_dashboard --half-migrated --viewers 60 --servers 900000000000000001,900000000000000002';
const handMade = '--shape bot_only --hand-made --tame --viewers 60';

describe('kill -9, and the same command again', { concurrency: 2 }, () => {
  // What a note that a step begins would meet is the state behind the step before.
  const notes = full ? "'begun', 'done'" : "'done'";
  const shapes = [['behind every step of a half migrated database', dashboard], ['behind every step of the bot alone', handMade]];
  const least = (...kills) => Object.fromEntries(['apply', 'contract', 'rollback'].map((command, at) => [command, kills[at]]));
  for (const [shape, words] of full ? shapes : shapes.slice(0, 1)) {
    test(shape, { timeout: 880_000 }, () => thereAndBack(shape, () => oldKick(words), () => hook(`NEW.state IN (${notes})`), () => atTheStop, least(50 / someNotes, 10 / someNotes, 25 / someNotes)));
  }

  test('behind every step of merges, partitions and tables that inherit', { timeout: 880_000 }, () =>
    thereAndBack('merges, partitions, heirs', special, () => hook(`NEW.state IN (${notes})`, full ? 1 : 2), () => atTheStop, least(5, 2, 8), true));

  test('in the middle of every index that is made or dropped', { timeout: 880_000 }, async () => {
    const which = () => hook("NEW.state = 'begun' AND NEW.step ~ ': (key|index) '");
    await thereAndBack('in the middle of every index', () => oldKick(handMade), which, inTheMiddle, least(10 / someNotes, 2.5 / someNotes, 2.5 / someNotes));
  });
});
