// The states in which databases of one project were found, each built as it came about, and told apart by the schema
// alone.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { postgres, Project, samples } from './support.mjs';

const files = {
  '0000': 'first/0000_foundation', '0003': 'first/0003_unique_platform_user', '0004': 'first/0004_entry_attempts',
  '0001': 'later/0001_generated_again', '0005': 'later/0005_enhanced_moderation', '0006': 'later/0006_facts', '0007': 'later/0007_oauth_sessions', '0008': 'later/0008_fact_sources',
};
const nameOf = (number) => files[number].split('/')[1];
const byNumber = Object.keys(files).sort();
const byDate = ['0000', '0003', '0004', '0005', '0006', '0007', '0008', '0001'];

/** A database whose past these files are, each in a transaction as its runner had it, whatever failed. */
async function databaseOf(numbers, ...more) {
  const pg = await postgres();
  const project = await Project.onPostgres();
  project.use('first');
  project.use('later');
  project.failed = [];
  for (const file of [...numbers.map((number) => files[number]), ...more]) {
    const ran = await pg.program('psql', ['-XAtq', '-1', '-v', 'ON_ERROR_STOP=1', '-f', join(samples, `${file}.sql`), project.url]);
    if (ran.code !== 0) project.failed.push(ran.stderr.split('\n').find((line) => line.includes('ERROR')));
  }
  return project;
}

/** Tables, indexes, columns, foreign keys, unique and check constraints. */
async function countsOf(project) {
  const [counts] = await project.query(`SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')::int AS tables,
    (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public')::int AS indexes,
    (SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public')::int AS columns,
    (SELECT array_agg((SELECT count(*) FROM pg_constraint WHERE contype::text = kind AND connamespace = 'public'::regnamespace)::int) FROM unnest(ARRAY['f', 'u', 'c']) kind) AS constraints`);
  return [counts.tables, counts.indexes, counts.columns, ...counts.constraints];
}

const namesOf = (rows) => rows.map(({ name }) => name);
const hasNoJournal = async (project) => assert.match((await project.migrate('status')).stdout, /no journal/);

/** Found, and written down on acceptance alone. */
async function adopt(project, names) {
  await hasNoJournal(project);
  const accepted = await project.json('baseline', '--match', '--accept');
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.equal(accepted.answer.written, true);
  const states = await project.states();
  assert.deepEqual(states.filter((line) => line.endsWith(' baseline')), names.map((name) => `${name} baseline`));
  return states;
}

describe('a database with a past', () => {
  before(async () => {
    const pg = await postgres();
    await pg.execute('postgres', "DO $$ BEGIN CREATE ROLE streambot; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
  });

  test('of 0000, 0003 and 0004 is known with their files alone, and with all that came later', async () => {
    const three = ['0000', '0003', '0004'];
    const project = await databaseOf(three);
    const { answer } = await project.json('baseline', '--match');
    assert.equal(answer.match.past, 'passed over');
    assert.equal(answer.match.odd, nameOf('0001'));
    assert.deepEqual(namesOf(answer.adopted), three.map(nameOf));
    assert.deepEqual(answer.differences, []);
    const alone = await databaseOf(three);
    alone.dir = join(samples, 'first');
    const found = await alone.json('baseline', '--match');
    assert.equal(found.answer.match.past, 'in order');
    assert.equal(found.answer.written, false);
    await adopt(alone, three.map(nameOf));
  });

  test('in the order of the numbers up to 0008', async () => {
    const project = await databaseOf(byNumber);
    assert.deepEqual(project.failed, []);
    assert.deepEqual(await countsOf(project), [64, 155, 743, 67, 16, 3]);
    const { answer, code } = await project.json('baseline', '--match');
    assert.equal(code, 0);
    assert.equal(answer.match.past, 'in order');
    assert.deepEqual(namesOf(answer.adopted), byNumber.map(nameOf));
    assert.deepEqual([answer.differences, answer.match.from_number_order], [[], []]);
    await adopt(project, byNumber.map(nameOf));
    assert.equal((await project.migrate('verify', '--schema')).code, 0);
  });

  test('in the order of their dates, where 0001 failed, with what it lacks and has otherwise', async () => {
    const project = await databaseOf(byDate);
    assert.equal(project.failed.length, 1);
    assert.match(project.failed[0], /"enhanced_moderation_settings" already exists/);
    assert.deepEqual(await countsOf(project), [62, 149, 724, 65, 17, 5]);
    const { answer, code } = await project.json('baseline', '--match');
    assert.equal(code, 0);
    assert.equal(answer.match.past, 'passed over');
    assert.equal(answer.match.odd, nameOf('0001'));
    assert.match(answer.match.odd_failure, /line 1: .*"enhanced_moderation_settings" already exists/);
    assert.deepEqual(answer.match.from_number_order.map((line) => line.replace(/[:,].*/s, '')), [
      'changed column public.oauth_sessions.used',
      'added constraint public.oauth_sessions.oauth_sessions_expires_at_check',
      'added constraint public.oauth_sessions.oauth_sessions_state_check',
      'added constraint public.oauth_sessions.oauth_sessions_state_unique',
      'missing index public.oauth_sessions_state_unique',
      'missing table public.obs_automations',
      'missing table public.obs_connections',
    ]);
    const text = await project.migrate('baseline', '--match');
    assert.match(text.stdout, /without 0001_generated_again, which was rolled back or never ran/);
    assert.match(text.stdout, /order of the numbers: missing table public\.obs_connections, with \d+ columns/);
    const states = await adopt(project, byDate.slice(0, -1).map(nameOf));
    assert.ok(states.includes(`${nameOf('0001')} late`), states.join());
  });

  test('pushed from the model: more tables and columns, no checks on balances', async () => {
    const project = await databaseOf(['0000', '0001'], 'pushed/push');
    const [tables] = await countsOf(project);
    assert.equal(tables, 64 + 11);
    const { answer, code, stderr } = await project.json('baseline', '--match', '--accept');
    assert.equal(code, 5);
    assert.match(stderr, /^MG-NOMATCH: /);
    assert.equal(answer.match.past, 'pushed');
    assert.equal(answer.match.files.at(-1), nameOf('0008'));
    const of = (pattern) => answer.differences.filter((line) => pattern.test(line)).length;
    assert.equal(of(/^added table /), 11);
    assert.equal(of(/^added column /), 6);
    assert.equal(of(/^missing constraint public\.user_balances\..*_check: CHECK/), 3);
    assert.equal(of(/^changed .*comment/), 2);
    assert.equal(answer.differences.length, 11 + 6 + 3 + 2);
    assert.equal(answer.written, false);
    await hasNoJournal(project);
    // By name it can be adopted as it is.
    const adopted = await project.json('baseline', '--at', '0008', '--accept');
    assert.equal(adopted.code, 0, adopted.stderr);
    assert.equal(adopted.answer.differences.length, 22);
    assert.ok((await project.states()).every((line) => line.endsWith(' baseline')));
  });

  test('of none of these is told so, with what differs from the nearest', async () => {
    const project = await databaseOf(['0000', '0003', '0004']);
    await project.execute('DROP TABLE alerts CASCADE; ALTER TABLE users ALTER COLUMN email DROP NOT NULL; CREATE TABLE by_hand (x integer)');
    const { answer, code, stderr } = await project.json('baseline', '--match', '--accept');
    assert.equal(code, 5);
    assert.match(stderr, /^MG-NOMATCH: .*3 differences from the nearest\nhint: /);
    assert.equal(answer.match.past, 'unknown');
    assert.deepEqual(answer.match.files, ['0000', '0003', '0004'].map(nameOf));
    assert.deepEqual(answer.differences.map((line) => line.replace(/[:,].*/s, '')), ['changed column public.users.email', 'missing table public.alerts', 'added table public.by_hand']);
    await hasNoJournal(project);
    const empty = await databaseOf([]);
    assert.match((await empty.migrate('baseline', '--match')).stdout, /none is near to it/);
  });
});
