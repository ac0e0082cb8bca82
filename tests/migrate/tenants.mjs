// Tables that hold many tenants' rows: --tenant-column, in each command that lints.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Project } from './support.mjs';

const named = ['--tenant-column', 'server_id'];

describe('--tenant-column', () => {
  test('holds new tables, keys and views on PostgreSQL to it, and stops up', async () => {
    const project = await Project.onPostgres();
    project.write('0001_notes.sql', 'CREATE TABLE notes (server_id bigint, id bigint PRIMARY KEY);\nCREATE VIEW all_notes AS SELECT id FROM notes;\nCREATE TABLE tags (id bigint PRIMARY KEY);');
    const codes = (answer) => answer.findings.filter(({ level }) => level === 'error').map(({ code, line }) => `${code} ${line}`);
    const verified = await project.json('verify', ...named);
    assert.equal(verified.code, 6);
    assert.deepEqual(codes(verified.answer), ['L15 1', 'L16 1', 'L22 2']);
    assert.ok(verified.answer.findings.some(({ code, level, line }) => code === 'L15' && level === 'warning' && line === 3), 'a table without the column is pointed at');
    const refused = await project.json('up', ...named);
    assert.equal(refused.code, 6);
    assert.deepEqual(codes(refused.answer), ['L15 1', 'L16 1', 'L22 2']);
    for (const words of [['plan'], ['up', '--plan']]) assert.equal((await project.json(words[0], ...words.slice(1), ...named)).code, 6, words.join(' '));
    for (const words of [['verify'], ['plan'], ['up', '--plan']]) assert.equal((await project.json(words[0], ...words.slice(1))).code, 0, `${words.join(' ')}: nobody said that there are tenants`);
    assert.deepEqual(await project.query("SELECT to_regclass('notes') AS t"), [{ t: null }]);
    project.write('0001_notes.sql', 'CREATE TABLE notes (server_id bigint, id bigint, PRIMARY KEY (server_id, id));\nALTER TABLE notes ENABLE ROW LEVEL SECURITY;\nCREATE VIEW all_notes WITH (security_invoker = true) AS SELECT id FROM notes;');
    assert.equal((await project.migrate('up', ...named)).code, 0);
  });

  test('points at tables of SQLite without it, and needs no database', async () => {
    const project = Project.onSqlite();
    project.write('0001_notes.sqlite.sql', 'CREATE TABLE notes (id integer PRIMARY KEY);');
    const { code, stdout } = await project.migrate('up', '--plan', ...named);
    assert.equal(code, 3, stdout);
    project.environment = () => ({});
    const verified = await project.json('verify', ...named);
    assert.equal(verified.code, 0);
    assert.deepEqual(verified.answer.findings.filter(({ code: one }) => one === 'L15').map(({ text }) => text), ['table notes has no column server_id']);
    assert.equal((await project.migrate('verify', '--strict', ...named)).code, 6);
  });
});
