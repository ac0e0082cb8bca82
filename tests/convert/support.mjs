// The old Kick bot's database, converted by the program that is killed: what it is like in the end, and who writes
// beside.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { root, run, start, until } from '../support/guildhall.mjs';
import { startPostgres } from '../support/postgres.mjs';

export const home = '900000000000000001';
export const oldDatabase = join(root, 'build/release/tests/old_database');
/** What signs in as the new program does; rows are sealed off from it. */
export const newBot = 'new_bot';

let server;
let copies = 0;
/** One server for all tests of a file. */
export const postgres = () => (server ??= begin());
async function begin() {
  const started = await startPostgres();
  await started.execute('postgres', `CREATE ROLE ${newBot} LOGIN`);
  return started;
}

/** A session that stays: psql, fed with one statement after another. */
export class Session {
  constructor(url) {
    this.psql = spawn('/usr/lib/postgresql/15/bin/psql', ['-XAtq', url], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.psql.stdin.on('error', () => {}); // it may be gone: `ended` says so
    this.lines = createInterface({ input: this.psql.stdout })[Symbol.asyncIterator]();
  }
  /** {lines, error}: error is the SQLSTATE, "lost" when there is no connection any more, or nothing. */
  async ask(sql) {
    const lines = [];
    this.psql.stdin.write(`${sql};\n\\echo :ERROR :LAST_ERROR_SQLSTATE\n`);
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) return { lines, error: 'lost' };
      const end = /^(true|false) (\S+)$/.exec(value);
      if (!end) lines.push(value);
      else return { lines, error: end[1] === 'true' ? end[2] : undefined };
    }
  }
  end() {
    this.psql.kill();
  }
}

/** A database with the old bot's rows, to make others from. */
export async function makeOld(pg, words) {
  const name = `old_${(copies += 1)}`;
  await pg.execute('postgres', `CREATE DATABASE ${name} OWNER operator`);
  const made = await run(['-c', `set -o pipefail; '${oldDatabase}' kick ${words} | psql -Xq -v ON_ERROR_STOP=1 '${pg.url('operator', name)}'`], { program: '/bin/bash' });
  assert.equal(made.code, 0, made.stderr);
  return new Database(pg, name);
}

export class Database {
  /** `tables` are the words that say what its tables are. */
  constructor(pg, name, tables = ['--preset', 'kick']) {
    Object.assign(this, { pg, name, tables, url: pg.url('operator', name) });
  }
  async copy() {
    const name = `copy_${(copies += 1)}`;
    // As files, which PostgreSQL does behind a checkpoint: of a copy by the log, the numbers that a sequence has given since
    // the copy are in no log, and after a crash it gives them again.
    await this.pg.execute('postgres', `CREATE DATABASE ${name} OWNER operator TEMPLATE ${this.name} STRATEGY FILE_COPY`);
    return new Database(this.pg, name, this.tables);
  }
  drop() {
    return this.pg.execute('postgres', `DROP DATABASE ${this.name} WITH (FORCE)`);
  }
  arguments(command, ...more) {
    const own = { apply: [...this.tables, '--server', home, '--backup-done', 'of-a-test'], contract: ['--seal', newBot] }[command] ?? [];
    return ['convert', command, '--url', this.url, ...own, ...more];
  }
  begin(command, ...more) {
    return start(this.arguments(command, ...more));
  }
  convert(command, ...more) {
    return run(this.arguments(command, ...more));
  }
  async converted(command, ...more) {
    const result = await this.convert(command, ...more);
    assert.equal(result.code, 0, `${command}: ${result.stderr}`);
    return result;
  }
  query(sql) {
    return this.pg.query(this.name, sql);
  }
  /** How far it is: "expanding", ...; nothing before it has begun. */
  async state() {
    const rows = await this.query("SELECT to_regclass('guildhall.guildhall_conversion') IS NOT NULL AS made");
    if (!rows[0].made) return undefined;
    const [newest] = await this.query('SELECT state FROM guildhall.guildhall_conversion ORDER BY number DESC LIMIT 1');
    return newest?.state;
  }
  /** Backends that go on for a client that is gone end here, as those of a client whose machine went. */
  async endBackends() {
    await this.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${this.name}' AND usename = 'operator' AND application_name <> 'writer' AND pid <> pg_backend_pid()`);
  }

  /** All that two conversions of the same database have in common, however they went: schema, rows, what was refused. */
  async whole() {
    const dump = await this.pg.program('pg_dump', ['--schema-only', '--schema=public', this.pg.url('postgres', this.name)]);
    assert.equal(dump.code, 0, dump.stderr);
    const rows = await this.rowsOf('public');
    const refused = await this.query('SELECT table_name, row_text, reason, done FROM guildhall.guildhall_conversion_refused ORDER BY 1, 2, 3');
    const functions = await this.query("SELECT proname AS name, prosrc AS text FROM pg_proc WHERE pronamespace = 'guildhall'::regnamespace AND proname LIKE 'fill%' ORDER BY 1");
    return { schema: dump.stdout.split('\n').filter((line) => line !== '' && !/^(--|\\)/.test(line)), rows, refused, functions, halves: await this.halves() };
  }
  /** Of each table of that schema how many, and a sum over them; but for the writers'. */
  async rowsOf(schema, which = 'true') {
    const tables = await this.query(`SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = '${schema}'::regnamespace AND ${which} ORDER BY 1`);
    return this.query(
      tables.map(({ name }) => `SELECT '${name}' AS name, count(*)::int AS n, coalesce(sum(hashtextextended(to_jsonb(t)::text, 0)), 0)::text AS hash FROM ${schema}."${name}" t WHERE NOT to_jsonb(t)::text LIKE '%"writer_%'`).join(' UNION ALL '));
  }
  /** What an index or a constraint leaves that was not made to its end. */
  halves() {
    return this.query("SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT (indisvalid AND indisready AND indislive) UNION ALL SELECT conname::text FROM pg_constraint WHERE NOT convalidated");
  }
}

/** The same; else what only one of them has. */
export function assertSame(is, shouldBe, what) {
  for (const part of Object.keys(shouldBe)) {
    const [one, other] = [is[part], shouldBe[part]].map((things) => things.map((thing) => JSON.stringify(thing)));
    const missing = (from, of) => of.filter((line) => !from.includes(line));
    assert.deepEqual({ tooMuch: missing(other, one), missing: missing(one, other) }, { tooMuch: [], missing: [] }, `${what}: ${part}`);
    assert.equal(one.length, other.length, `${what}: ${part}`);
  }
}

const award = (name) => `INSERT INTO user_points (kick_username, points, total_earned) VALUES ('${name}', 5, 5) ON CONFLICT (kick_username) DO UPDATE SET points = user_points.points + 5, total_earned = user_points.total_earned + 5`;
const tick = (name) => `INSERT INTO watchtime (username, minutes) VALUES ('${name}', 1) ON CONFLICT (username) DO UPDATE SET minutes = watchtime.minutes + 1`;
const convert = (name) => `INSERT INTO points_watchtime_converted (kick_username, minutes_converted, points_awarded) VALUES ('${name}', 5, 1)`;
const sell = (name) => `INSERT INTO point_sales (item_id, kick_username, item_name, price_paid) VALUES (1, '${name}', 'Item', 100)`;
const work = [
  [award, 'SELECT coalesce(sum(points), 0)::int / 5 AS n FROM user_points WHERE kick_username'],
  [tick, 'SELECT coalesce(sum(minutes), 0)::int AS n FROM watchtime WHERE username'],
  [convert, 'SELECT count(*)::int AS n FROM points_watchtime_converted WHERE kick_username'],
  [sell, 'SELECT count(*)::int AS n FROM point_sales WHERE kick_username'],
];

/** The old bot's writes, one after another, each in a loop of its own; with a ledger of what was answered. */
export class Writers {
  constructor(database) {
    this.database = database;
    this.on = true;
    this.ledger = work.map(() => ({ done: 0, perhaps: 0 }));
    this.errors = [];
    this.loops = work.map(([statement], at) => this.loop(statement, this.ledger[at]));
  }
  /** Each has written. */
  begun() {
    return until('the writers', () => this.ledger.every(({ done }) => done > 0));
  }
  async loop(statement, ledger) {
    let session;
    for (let i = 0; this.on; i += 1) {
      session ??= new Session(`${this.database.url}?application_name=writer`);
      const { error } = await session.ask(statement(`writer_${i % 20}`));
      if (error === undefined) ledger.done += 1;
      else if (error === 'lost' || error === '57P01' || error === '57P02') {
        // psql ends without a word when there is no server; then nothing was sent, but who knows.
        ledger.perhaps += 1;
        session.end();
        session = undefined;
      } else this.errors.push(error);
      await new Promise((done) => setTimeout(done, 5));
    }
    session?.end();
  }
  end() {
    this.on = false;
  }
  /** None failed, none is lost, none was done twice. */
  async stop() {
    this.end();
    await Promise.all(this.loops);
    assert.deepEqual(this.errors, [], 'a write of the old bot failed');
    for (const [at, [, total]] of work.entries()) {
      const [{ n }] = await this.database.query(`${total} LIKE 'writer_%'`);
      const { done, perhaps } = this.ledger[at];
      assert.ok(n >= done && n <= done + perhaps, `${total}: ${n} are there, ${done} were answered, ${perhaps} may have been done besides`);
    }
  }
}

/** The same command again and again until it is done; how often. */
export async function untilDone(database, command, most = 10) {
  const texts = [];
  for (let times = 1; times <= most; times += 1) {
    const result = await database.convert(command, '--lock-wait', '30s');
    if (result.code === 0) return times;
    texts.push(`exit ${result.code}: ${result.stderr}`);
  }
  assert.fail(`${command} does not come to its end: ${texts.join('\n')}`);
}
