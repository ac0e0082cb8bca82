// kill -9 of the conversion of a SQLite file: before every write to a file and at random moments, on each way there and
// back. The same command again ends well, and the file is what a run makes of it that nobody disturbed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { full, root, run, sleep, start, temporaryFolder } from '../support/guildhall.mjs';
import { assertSame, oldDatabase, untilDone } from './support.mjs';

const home = '700000000000000001';
const member = 'discord_id = 400000000000007919';
/** What is not the tool's own. */
const others = "tbl_name NOT LIKE 'guildhall_conversion%' AND tbl_name NOT LIKE 'migration_%' AND name NOT IN ('drizzle_migrations', 'sqlite_sequence')";
const schema = `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE ${others} ORDER BY 1, 2`;
const folder = temporaryFolder();
let files = 0;

async function sqlite(file, input) {
  const result = await run([file], { program: 'sqlite3', input: `.bail on\n.timeout 20000\n.mode quote\n${input}\n` });
  assert.equal(result.code, 0, result.stderr);
  return result.stdout.split('\n').filter((line) => line !== '');
}

class File {
  constructor(way) {
    this.way = way;
    this.name = join(folder, `${(files += 1)}.db`);
  }
  static async made(words, sql = '') {
    const file = new File('');
    const made = await run(['-c', `set -o pipefail; '${oldDatabase}' reading ${words} | sqlite3 '${file.name}'`], { program: '/bin/bash' });
    assert.equal(made.code, 0, made.stderr);
    await sqlite(file.name, sql);
    return file;
  }
  copy(way = this.way) {
    const copy = new File(way);
    copyFileSync(this.name, copy.name);
    return copy;
  }
  arguments(command, ...more) {
    const own = { rollback: ['--archive'], apply: ['--preset', 'reading-club', '--server', home, '--register-found', '--backup-done', 'of-a-test', '--way', this.way] }[command] ?? [];
    return ['convert', command, '--url', `sqlite:${this.name}`, ...own, ...more];
  }
  /** `write`: the number of the write to a file before which it is killed; 0: none, and they are counted. */
  begin(command, write) {
    const env = write === undefined ? {} : { LD_PRELOAD: join(root, 'build/release/tests/end_at_write.so'), GUILDHALL_END_AT_WRITE: `${write}` };
    return start(this.arguments(command), { env });
  }
  convert(command, ...more) {
    return run(this.arguments(command, ...more));
  }
  async converted(command) {
    const result = await this.convert(command);
    assert.equal(result.code, 0, `${command}: ${result.stderr}`);
    return result;
  }
  async state() {
    const [made] = await sqlite(this.name, "SELECT count(*) FROM sqlite_schema WHERE name = 'guildhall_conversion'");
    return made === '0' ? undefined : (await sqlite(this.name, 'SELECT state FROM guildhall_conversion ORDER BY number DESC LIMIT 1'))[0];
  }
  /** All but what the tool remembers of its steps: schema, rows, counters, what was refused, and the soundness of the file. */
  async whole() {
    const tables = await sqlite(this.name, `SELECT name FROM sqlite_schema WHERE type = 'table' AND ${others} ORDER BY 1`);
    const rows = tables.map((name) => `SELECT ${name}, * FROM "${name.slice(1, -1).replaceAll('"', '""')}";`);
    return {
      schema: await sqlite(this.name, schema),
      rows: (await sqlite(this.name, rows.join('\n'))).sort(),
      counters: await sqlite(this.name, "SELECT name, seq FROM sqlite_sequence WHERE name NOT LIKE 'guildhall%' AND name NOT LIKE 'migration%' ORDER BY 1"),
      refused: await sqlite(this.name, 'SELECT table_name, row_text, reason, done FROM guildhall_conversion_refused ORDER BY 1, 2, 3'),
      file: await sqlite(this.name, 'PRAGMA integrity_check; PRAGMA user_version; SELECT count(*) FROM guildhall_conversion'),
    };
  }
}

/** The old bot, which adds a point to a member again and again, and knows how many times it was answered. */
class Bot {
  constructor(file) {
    Object.assign(this, { file, on: true, done: 0 });
    this.child = spawn('sqlite3', [file.name], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.loop = this.work();
  }
  async work() {
    this.child.stdin.write('.timeout 20000\n');
    while (this.on) {
      this.child.stdin.write(`UPDATE user_manga_progress SET points = points + 1 WHERE rowid = (SELECT min(rowid) FROM user_manga_progress WHERE ${member}) RETURNING 'done';\n`);
      const { value } = await this.lines.next();
      if (value !== 'done') return;
      this.done += 1;
      await sleep(2);
    }
  }
  async stop() {
    this.on = false;
    await this.loop;
    this.child.kill();
  }
}

/** A command on a file, and what comes of it when nobody disturbs it. */
class Way {
  constructor(name, from, command, end, hasBot = false) {
    Object.assign(this, { name, from, command, end, hasBot, kills: 0, met: 0 });
  }
  async measure() {
    const file = this.from.copy();
    const begun = Date.now();
    const runner = file.begin(this.command, 0);
    assert.equal((await runner.ended).code, 0, runner.stderr());
    this.takes = Date.now() - begun;
    this.writes = Number(/writes: (\d+)/.exec(runner.stderr())[1]);
    this.whole = await file.whole();
    assert.equal(await file.state(), `'${this.end}'`);
    return file;
  }
  /** Killed before a write, or else at random; gone on with, and compared. */
  async once(write) {
    const file = this.from.copy();
    const bot = this.hasBot ? new Bot(file) : undefined;
    try {
      const runner = file.begin(this.command, write);
      const moment = write === undefined ? sleep((0.1 + 0.8 * Math.random()) * this.takes) : runner.ended;
      await Promise.race([runner.ended, moment]);
      const { signal } = await runner.stop('SIGKILL');
      // A bot beside it may make it write less.
      if (write !== undefined && !this.hasBot) assert.equal(signal, 'SIGKILL', runner.stderr());
      this.kills += 1;
      if ((await file.state()) !== `'${this.end}'`) this.met += 1;
      assert.deepEqual(await sqlite(file.name, 'PRAGMA integrity_check'), ["'ok'"], `${this.name}, just killed`);
      await untilDone(file, this.command);
    } finally {
      await bot?.stop();
    }
    assert.equal(await file.state(), `'${this.end}'`);
    await this.settle(file, bot);
    assertSame(await file.whole(), this.whole, `${this.name}, killed`);
  }
  /** Every point of the bot is there, and none twice; then they are taken away again. */
  async settle(file, bot) {
    if (!bot) return;
    const points = `SELECT sum(points) FROM user_manga_progress WHERE ${member}`;
    const [[was], [is]] = [await sqlite(this.from.name, points), await sqlite(file.name, points)];
    assert.ok(bot.done > 0, 'the bot did nothing');
    assert.equal(Number(is) - Number(was), bot.done, `${this.name}: points of the bot`);
    await sqlite(file.name, `UPDATE user_manga_progress SET points = points - ${bot.done} WHERE rowid = (SELECT min(rowid) FROM user_manga_progress WHERE ${member})`);
  }
  tell() {
    console.log(`# ${this.name}: ${this.kills} kills, ${this.met} before its end, of ${this.writes} writes`);
  }
}

/** What was put aside is there again after a later conversion: every row of both servers. */
async function comesBack(file, before) {
  await file.converted('apply');
  await file.converted('restore');
  const [{ rows: is }, { rows: was }] = [await file.whole(), await before.whole()];
  assertSame({ is }, { is: was }, 'after the archive came back');
  assert.equal((await file.convert('restore')).code, 6, 'there is nothing to bring back any more');
}

async function ways() {
  const nasty = await File.made('--members 60 --operator-made');
  const tame = await File.made('--members 60 --tame', 'PRAGMA journal_mode = WAL');
  const online = nasty.copy('online');
  await sqlite(online.name, 'PRAGMA journal_mode = WAL');
  const rebuild = new Way('rebuild', nasty.copy('rebuild'), 'apply', 'contracted');
  const file = new Way('file', tame.copy('file'), 'apply', 'expanded');
  const beside = new Way('online, beside the bot', online, 'apply', 'contracted', true);
  const rebuilt = await rebuild.measure();
  // A second server, whose rows have no place any more when there is one.
  await sqlite(rebuilt.name, `INSERT INTO user_manga_progress (discord_id, manga_id, points, guild_id) SELECT discord_id, manga_id, 7, ${home} + 1 FROM user_manga_progress`);
  const given = await file.measure();
  const all = [rebuild, beside, file, new Way('rollback with an archive', rebuilt, 'rollback', 'rolled back'), new Way('rollback of file', given, 'rollback', 'rolled back')];
  for (const way of [all[1], all[4]]) await way.measure();
  await comesBack(await all[3].measure(), rebuilt);
  return all;
}

/** Of each way so many writes, at the same distance from each other. */
const most = full ? 24 : 3;

describe('kill -9 of the conversion of a SQLite file', { concurrency: 2 }, () => {
  test('before every write and at random, and the same command again', { timeout: 880_000 }, async () => {
    const all = await ways();
    const moments = [];
    for (const way of all) {
      const distance = Math.max(1, way.writes / most);
      for (let write = Math.ceil(distance / 2); write <= way.writes; write += distance) moments.push([way, Math.round(write)]);
      for (let i = 0; i < (full ? 20 : 1); i += 1) moments.push([way, undefined]);
    }
    const work = async () => {
      for (let next = moments.shift(); next; next = moments.shift()) await next[0].once(next[1]);
    };
    await Promise.all([work(), work()]);
    for (const way of all) way.tell();
    const [kills, met] = ['kills', 'met'].map((what) => all.reduce((sum, way) => sum + way[what], 0));
    assert.ok(met * 3 >= kills, `${met} of ${kills} kills met their work`);
  });

  test('of an online run that is taken back instead', { timeout: 120_000 }, async () => {
    const old = await File.made('--members 60 --operator-made');
    const undisturbed = new Way('online', old.copy('online'), 'apply', 'contracted');
    const converted = await undisturbed.measure();
    const file = old.copy('online');
    await file.begin('apply', Math.round(undisturbed.writes / 3)).ended;
    assert.equal(await file.state(), "'expanding'");
    await file.converted('rollback');
    assert.deepEqual(await sqlite(file.name, schema), await sqlite(old.name, schema));
    await file.converted('apply');
    const [{ file: one, ...is }, { file: other, ...was }] = [await file.whole(), await converted.whole()];
    assert.deepEqual([one.slice(0, -1), other.slice(0, -1)], [other.slice(0, -1), other.slice(0, -1)]);
    is.refused = [...new Set(is.refused)];
    was.refused = [...new Set(was.refused)];
    assertSame(is, was, 'after it was taken back');
  });
});
