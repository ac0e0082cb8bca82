// A folder of many SQLite files, one of them damaged: runs that stop, are killed, meet each other, and go on.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { queryFile, run, temporaryFolder, until } from '../support/guildhall.mjs';
import { Project } from './support.mjs';

const size = 200;
const broken = 'server_0120';
const quick = ['--no-backup', '--i-accept-data-loss'];
const nameOf = (i) => `server_${String(i).padStart(4, '0')}`;

/** Files with a row each, server_0000 the last active, and three migrations. */
async function fleet(files = size) {
  const folder = temporaryFolder();
  const project = new Project(`sqlite://${folder}/`);
  project.folder = folder;
  const first = join(folder, `${nameOf(0)}.db`);
  await run([first, "PRAGMA journal_mode=WAL; CREATE TABLE members (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO members VALUES (1, 'one');"], { program: 'sqlite3' });
  await run(['-c', `for i in $(seq 1 ${files - 1}); do cp ${first} ${folder}/$(printf server_%04d $i).db; done`], { program: 'sh' });
  for (let i = 0; i < files; i += 1) {
    const at = Date.now() / 1000 - 60 * i;
    utimesSync(join(folder, `${nameOf(i)}.db`), at, at);
  }
  project.write('0001_points.sql', 'CREATE TABLE points (member INTEGER PRIMARY KEY REFERENCES members (id), points INTEGER NOT NULL DEFAULT 0);');
  project.write('0002_first_points.sql', 'INSERT INTO points (member) SELECT id FROM members;');
  project.write('0003_seen.sql', 'ALTER TABLE members ADD COLUMN seen INTEGER;\nCREATE INDEX members_seen ON members (seen);');
  return project;
}
const damage = (project) => writeFileSync(join(project.folder, `${broken}.db`), 'no database '.repeat(1000));
const counts = async (project) => (await project.json('status')).answer.counts;

/** Every one of them holds what the migrations leave, once. */
async function isWhole(project, names, applied = 3) {
  for (const name of names) {
    const rows = await queryFile(join(project.folder, `${name}.db`), "SELECT (SELECT count(*) FROM points) AS points, (SELECT count(*) FROM migration_journal WHERE state = 'applied') AS applied, (SELECT count(*) FROM migration_lock) AS locks");
    assert.deepEqual(rows, [{ points: 1, applied, locks: 0 }], name);
  }
}
const names = (files = size) => Array.from({ length: files }, (_, i) => nameOf(i));

describe('a folder of SQLite files', { concurrency: 2 }, () => {
  test(`${size} with one that is damaged: it is named, and the run stops there or goes round it`, { timeout: 300_000 }, async () => {
    const project = await fleet();
    damage(project);
    assert.deepEqual(await counts(project), { up_to_date: 0, pending: size - 1, midway: 0, drift: 0, failed: 1 });
    const stopped = await project.json('up');
    assert.equal(stopped.code, 3, stopped.stderr);
    assert.match(stopped.stderr, new RegExp(`^MG-CONNECTION: ${broken}: database file .* is damaged.*\nhint: `, 'm'));
    assert.deepEqual(stopped.answer.files.filter(({ failed }) => failed).map(({ name }) => name), [broken]);
    assert.equal(stopped.answer.files[0].canary, true);
    assert.equal(stopped.answer.files.length + stopped.answer.left.length, size);
    assert.ok(stopped.answer.left.length >= 70, 'those behind it are left at their old version');
    const begun = Date.now();
    const rest = await project.json('up', '--max-failures', '2');
    assert.equal(rest.code, 3);
    assert.equal(rest.answer.idle + rest.answer.files.length, size);
    assert.deepEqual(rest.answer.left, []);
    console.log(`# ${rest.answer.files.length} files with a proved backup and three migrations each: ${Date.now() - begun} ms`);
    assert.deepEqual(await counts(project), { up_to_date: size - 1, pending: 0, midway: 0, drift: 0, failed: 1 });
    await isWhole(project, names().filter((name) => name !== broken));
    assert.equal(readdirSync(project.backups).filter((name) => name.endsWith('.db')).length, size - 1);

    const shown = await project.migrate('status');
    assert.equal(shown.code, 3);
    assert.match(shown.stdout, new RegExp(`^up to date ${size - 1}, pending 0, failed 1 \\(${broken}\\)\\. Lock: free$`, 'm'));
    const verified = await project.migrate('verify', '--schema');
    assert.equal(verified.code, 3);
    assert.match(verified.stdout, new RegExp(`^MG-CONNECTION: ${broken}: `, 'm'));
  });

  test('kill -9 in the middle, and the next up completes it', { timeout: 300_000 }, async () => {
    const project = await fleet();
    for (let i = 0; i < 5; i += 1) {
      const runner = project.begin('up', ...quick);
      const lines = 1 + Math.random() * 15;
      await until('some files to be done', () => runner.stdout().split('\n').length > lines);
      assert.equal((await runner.stop('SIGKILL')).signal, 'SIGKILL', runner.stderr());
    }
    const { up_to_date: done } = await counts(project);
    assert.ok(done >= 5 && done < size, `${done} files were done when it was killed`);
    const last = await project.json('up', ...quick);
    assert.equal(last.code, 0, last.stderr);
    assert.equal(last.answer.idle, done);
    assert.deepEqual(await counts(project), { up_to_date: size, pending: 0, midway: 0, drift: 0, failed: 0 });
    // A lock that a killed run left in a file is the next one's to clear.
    project.write('0004_more.sql', 'CREATE INDEX points_points ON points (points);');
    assert.equal((await project.migrate('up', ...quick)).code, 0);
    await isWhole(project, names(), 4);
    const again = await project.migrate('up');
    assert.equal(again.code, 0);
    assert.equal(again.stdout, `Nothing to do: ${size} files are up to date.\n`);
    assert.ok(!existsSync(join(project.folder, '.migrate-lock')));
    console.log(`# killed 5 times; ${done} of ${size} files were done then`);
  });

  test('two runs at once: one works, the other is refused, or waits', { timeout: 300_000 }, async () => {
    for (const wait of [[], ['--lock-wait', '60s']]) {
      const project = await fleet(60);
      const both = await Promise.all([0, 1].map(() => project.migrate('up', ...quick, ...wait)));
      assert.deepEqual(both.map(({ code }) => code).sort(), wait.length ? [0, 0] : [0, 4], both.map(({ stderr }) => stderr).join(''));
      const refused = both.find(({ code }) => code === 4);
      if (refused) assert.match(refused.stderr, /^MG-LOCK: ('.*' is held by .* pid \d+ since .*Z \(up\)|another run is just taking '.*')\nhint: Wait for it/);
      await isWhole(project, names(60));
    }
  });

  test('Ctrl-C ends all of it, and nothing stays half done', { timeout: 120_000 }, async () => {
    const project = await fleet(20);
    project.write('0004_long.sql', 'INSERT INTO points SELECT n, 0 FROM (WITH RECURSIVE s(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM s WHERE n < 100000000) SELECT n FROM s);');
    const runner = project.begin('up', '-v', ...quick);
    await until('the long one to begin', () => /0003_seen \.\.\. ok/.test(runner.stdout()));
    const ended = await runner.stop('SIGINT');
    assert.equal(ended.code, 130, runner.stderr());
    assert.match(runner.stderr(), /^MG-INTERRUPTED: /);
    const { answer } = await project.json('status');
    assert.equal(answer.lock.held, false);
    assert.equal(answer.counts.midway, 0);
    const [{ n }] = await queryFile(join(project.folder, `${nameOf(0)}.db`), 'SELECT count(*) AS n FROM points');
    assert.equal(n, 1);
  });

  test('status --check, down --to, and what is meant for one file or for a folder only', async () => {
    const project = await fleet(5);
    const check = async () => (await project.migrate('status', '--check')).code;
    assert.equal(await check(), 20);
    const detail = await project.migrate('status', '-v');
    assert.match(detail.stdout, /pending\s+server_0004\s+3 of 3, next 0001_points/);
    assert.equal((await project.migrate('up', '--canary', 'server_0003', ...quick)).code, 0);
    assert.equal(await check(), 0);
    project.write('0003_seen.down.sql', 'DROP INDEX members_seen;\nALTER TABLE members DROP COLUMN seen;');
    const down = await project.json('down', '--to', '0002', '--confirm-data-loss', ...quick);
    assert.equal(down.code, 0, down.stderr);
    assert.deepEqual(down.answer.files.map(({ reverted }) => reverted), Array(5).fill(['0003_seen']));
    assert.equal(await check(), 20);
    project.write('0001_points.sql', 'CREATE TABLE points (x INTEGER);');
    assert.equal(await check(), 5);
    for (const words of [['down'], ['down', '0003'], ['plan'], ['resume'], ['unlock'], ['backup'], ['up', '--plan'], ['verify', '--roundtrip'], ['up', '--canary', 'nobody'], ['up', '--max-failures', '0']]) {
      const result = await project.migrate(words[0], ...words.slice(1));
      assert.equal(result.code, 2, `${words.join(' ')}: ${result.stdout}${result.stderr}`);
    }
    const one = Project.onSqlite();
    for (const words of [['--canary', 'x'], ['--max-failures', '2']]) assert.equal((await one.migrate('up', ...words)).code, 2);
    const nowhere = await run(['migrate', 'status', '--dir', project.dir, '--url', `sqlite:${join(project.folder, 'nowhere')}/`]);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /^E-NOTFOUND: the folder/);
  });
});
