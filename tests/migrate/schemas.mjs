// Each command's answers, good and bad, against the schemas that are published for them; and the schemas against
// answers that they must refuse.
import assert from 'node:assert/strict';
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { root } from '../support/guildhall.mjs';
import { commands, seen, wrong } from './answers.mjs';
import { projects } from './support.mjs';

/** The same answer with one thing more, less or otherwise, everywhere in it. */
function* spoiled(value, rebuild = (other) => other) {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) yield* spoiled(value[i], (other) => rebuild(value.with?.(i, other) ?? value.map((one, at) => (at === i ? other : one))));
    return;
  }
  if (value === null || typeof value !== 'object') {
    yield rebuild([['neither']]);
    return;
  }
  yield rebuild({ ...value, unexpected: 1 });
  for (const key of Object.keys(value)) {
    const { [key]: gone, ...rest } = value;
    yield rebuild(rest);
    yield* spoiled(gone, (other) => rebuild({ ...value, [key]: other }));
  }
}

describe('the schemas', () => {
  const answers = [];
  const get = async (project, ...words) => {
    const result = await project.json(...words); // is held against the schema there
    answers.push([words[0], result.answer]);
    return result;
  };

  test('there is one for each command of guildhall migrate', () => {
    const page = readFileSync(join(root, 'docs/reference/command-line.md'), 'utf8');
    const declared = [...page.matchAll(/^## guildhall migrate ([a-z]+)$/gm)].map(([, name]) => name).sort();
    assert.deepEqual(declared, commands);
  });

  for (const [where, make] of projects) {
    test(`good answers on ${where}`, { timeout: 120_000 }, async () => {
      const project = await make();
      project.write('0001_table.sql', '-- guildhall: purpose="a table" risk=low\nCREATE TABLE t (x integer);');
      project.write('0001_table.down.sql', 'DROP TABLE t;');
      project.write('0002_more.sql', 'ALTER TABLE t ADD COLUMN y integer;');
      project.write('0003_late.sql', 'CREATE TABLE u (x integer);');
      await project.execute('CREATE TABLE nothing_of_ours (x integer); DROP TABLE nothing_of_ours');
      for (const words of [['status'], ['plan'], ['up', '--plan'], ['up', '--plan=execute'], ['up', '--plan=execute', '--scratch'], ['precheck', '0002'], ['verify'], ['docs'], ['doctor'], ['unlock'],
        ['up', '--to', '0002'], ['status'], ['verify', '--schema', '--backups', '--roundtrip'], ['down', '--plan'], ['down', '--plan', '--to', '0001', '--confirm-data-loss'], ['down'], ['resume'], ['up'], ['backup'], ['new', 'one more'], ['repair', '--cosmetic'], ['prune'], ['docs'], ['doctor']]) {
        const { code, stderr } = await get(project, ...words);
        assert.ok(code === 0, `${words.join(' ')}: ${code} ${stderr}`);
      }
      await project.execute('INSERT INTO u VALUES (1)');
      assert.equal((await get(project, 'down', '--plan')).code, 6);
      const { answer } = await get(project, 'backup');
      assert.equal((await get(project, 'restore', answer.backup.file)).code, 0);
      const past = await make();
      past.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      await past.execute('CREATE TABLE t (x integer)');
      assert.equal((await get(past, 'baseline', '--at', '0001')).code, 0);
      assert.equal((await get(past, 'baseline', '--match', '--accept')).code, 0);
    });

    test(`bad answers on ${where}`, { timeout: 120_000 }, async () => {
      const project = await make();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer); INSERT INTO t VALUES (1), (1);');
      assert.equal((await get(project, 'up')).code, 0);
      project.write('0002_unique.sql', 'CREATE UNIQUE INDEX t_x ON t (x);');
      for (const words of [['precheck', '0002'], ['plan'], ['up'], ['up', '--plan']]) assert.equal((await get(project, ...words)).code, 6, words.join(' '));
      project.write('0002_unique.sql', '-- guildhall: transaction=none\nCREATE TABLE v (x integer);\nSELECT * FROM nowhere;');
      for (const [code, ...words] of [[7, 'up'], [7, 'resume'], [7, 'down'], [7, 'status', '--check'], [7, 'doctor'], [5, 'verify'], [5, 'baseline', '--match'], [2, 'precheck', '0009'], [2, 'new', '!'], [2, 'repair', '--accept', '0009', '--reason', 'none'], [2, 'up', '--to', '0009']])
        assert.equal((await get(project, ...words)).code, code, words.join(' '));
      const { answer } = await get(project, 'backup');
      truncateSync(answer.backup.file, 20);
      assert.equal((await get(project, 'verify', '--backups')).code, 5);
      assert.equal((await get(project, 'restore', answer.backup.file)).code, 8);
      project.url = where === 'SQLite' ? 'sqlite:/nowhere/at/all.db' : 'postgres://operator@127.0.0.1:1/x';
      for (const command of ['status', 'up', 'resume', 'down', 'plan', 'docs', 'unlock', 'backup', 'prune', 'verify', 'doctor']) assert.notEqual((await get(project, command)).code, 0, command);
      const none = await make();
      none.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      await none.execute('CREATE TABLE other (x integer)');
      assert.equal((await get(none, 'baseline', '--match')).code, 5);
      const lock = where === 'SQLite' ? ['migration_lock', '1', 'strftime(\'%s\') * 1000000'] : ['guildhall.migration_lock', '1', 'now()'];
      assert.equal((await get(none, 'up')).code, 0);
      await none.execute(`INSERT INTO ${lock[0]} (lock_id, token, locked_by, host, os_pid, locked_at, heartbeat_at, command) VALUES (1, 5, 'a', 'elsewhere', 1, ${lock[2]}, ${lock[2]}, 'up')`);
      assert.equal((await get(none, 'status')).answer.lock.held, true);
      assert.equal((await get(none, 'unlock', '--force', '9')).code, 6);
      assert.equal((await get(none, 'unlock')).answer.released, true);
    });
  }

  test('refuse an answer with one thing more, less or otherwise', () => {
    let refused = 0;
    for (const [command, answer] of answers) {
      for (const other of spoiled(answer)) {
        assert.notEqual(wrong(command, other), '', `${command} takes ${JSON.stringify(other)}\nfor ${JSON.stringify(answer)}`);
        refused += 1;
      }
    }
    console.log(`# ${answers.length} answers are as the schemas say, and ${refused} that differ in one thing are refused`);
    assert.ok(refused > 1000);
  });

  after(() => {
    for (const command of commands) {
      const [good, bad] = seen[command];
      assert.ok(good > 0 && bad > 0, `${command}: ${good} good and ${bad} bad answers were seen`);
    }
  });
});
