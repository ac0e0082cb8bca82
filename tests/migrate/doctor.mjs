// `doctor` names what is wrong and the way out, and `docs` what the migrations are for.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, temporaryFolder } from '../support/guildhall.mjs';
import { postgres, Project, projects } from './support.mjs';

const linesOf = ({ checks }) => checks.map(({ level, topic, text }) => `${level} ${topic}: ${text}`);

describe('doctor', () => {
  for (const [where, make] of projects) {
    test(`finds a database on ${where} sound before and after a run`, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      if (project.file) await project.execute('PRAGMA user_version = 1');
      const first = await project.json('doctor');
      assert.equal(first.code, 0, first.stdout);
      assert.ok(linesOf(first.answer).some((line) => line.startsWith('warn backups: none of')));
      assert.equal((await project.migrate('up')).code, 0);
      const second = await project.migrate('doctor');
      assert.equal(second.code, 0, second.stdout);
      assert.match(second.stdout, /^ok +files +1 applied, 0 pending/m);
      assert.match(second.stdout, /^doctor: 0 problems, 0 warnings$/m);
    });
  }

  test('shows no password, and what it cannot reach', async () => {
    const result = await run(['migrate', 'doctor', '--url', 'postgres://app:hunter2@127.0.0.1:1/app', '--backup-dir', temporaryFolder()]);
    assert.equal(result.code, 3);
    assert.match(result.stdout, /^problem +connection /m);
    assert.match(result.stdout, /^ +hint: /m);
    assert.doesNotMatch(result.stdout + result.stderr, /hunter2/);
    const broken = join(temporaryFolder(), 'broken.db');
    writeFileSync(broken, 'SQLite format 3\0 and nothing that follows from it'.repeat(40));
    const damaged = await run(['migrate', 'doctor', '--url', `sqlite:${broken}`]);
    assert.equal(damaged.code, 3, damaged.stdout + damaged.stderr);
  });

  test('tells a role which right is missing, as the statement that grants it', async () => {
    const project = await Project.onPostgres();
    const pg = await postgres();
    await pg.execute('postgres', "DO $$ BEGIN CREATE ROLE frail LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    await project.execute('CREATE TABLE theirs (x integer)');
    project.url = pg.url('frail', project.name);
    const { answer, code } = await project.json('doctor');
    assert.equal(code, 11);
    const hints = answer.checks.filter(({ topic }) => topic === 'rights').map(({ hint }) => hint);
    assert.ok(hints.includes(`GRANT CREATE ON DATABASE ${project.name} TO frail`), hints.join());
    assert.ok(hints.includes('GRANT CREATE ON SCHEMA public TO frail'));
    assert.ok(hints.some((hint) => hint.includes('GRANT SELECT ON TABLE public.theirs TO frail')));
    assert.ok(linesOf(answer).some((line) => line.includes('does not own public.theirs')));
    // What it asks for is enough.
    for (const hint of hints.filter((one) => one.startsWith('GRANT'))) await pg.execute(project.name, hint);
    const second = await project.json('doctor');
    assert.equal(second.code, 0, second.stdout);
    project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
    assert.equal((await project.migrate('up', '--no-backup', '--i-accept-data-loss')).code, 0);
  });
});

describe('docs', () => {
  test('is a table of all migrations from their own words, and with a database where each stands', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    const plain = await run(['migrate', 'docs', '--dir', project.dir], { env: { DATABASE_URL: '' } });
    assert.equal(plain.code, 0, plain.stderr);
    const rows = plain.stdout.trim().split('\n');
    assert.equal(rows.length, 2 + 3);
    assert.equal(rows[2], '| 0000_foundation | - | 2025-11-14 | 42 tables, 43 constraints, 16 indexes | 0000_foundation.down.sql | - | - |');
    assert.match(rows[3], /^\| 0003_unique_platform_user \| one account of a platform belongs to one user alone\. .* fails while two users hold the same account\. \| - \|$/);
    assert.equal((await project.migrate('up', '--to', '0003')).code, 0);
    const { answer } = await project.json('docs');
    assert.deepEqual(answer.migrations.map(({ state }) => state), ['applied', 'applied', 'pending']);
  });
});
