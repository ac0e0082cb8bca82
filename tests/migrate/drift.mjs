// A schema that somebody changed by hand: verify --schema names what differs, and leaves nothing behind.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { run, temporaryFolder } from '../support/guildhall.mjs';
import { postgres, projects } from './support.mjs';

describe('a schema that was changed by hand', () => {
  for (const [where, make] of projects) {
    test(`is told object by object on ${where}`, async () => {
      const project = await make();
      project.write('0001_people.sql', 'CREATE TABLE people (id integer PRIMARY KEY, name text, age integer);\nCREATE INDEX people_name ON people (name);');
      project.write('0002_visits.sql', 'CREATE TABLE visits (id integer PRIMARY KEY, person integer);');
      assert.equal((await project.migrate('up')).code, 0);
      assert.equal((await project.json('verify', '--schema', '--strict-order')).code, 0);
      await project.execute('DROP INDEX people_name; ALTER TABLE visits ADD COLUMN note text; CREATE TABLE extra (x integer)');
      const drifted = await project.json('verify', '--schema');
      assert.equal(drifted.code, 5);
      const of = (level) => drifted.answer.findings.filter((one) => one.code.endsWith('-SCHEMA') && one.level === level).map(({ text }) => text);
      assert.match(of('info').join('\n'), /compared with what the 2 applied files make in a database of its own/);
      assert.equal(of('error').length, 3, of('error').join('\n'));
      for (const what of [/added column .*note/, /missing index .*people_name/, /added table .*extra/]) assert.match(of('error').join('\n'), what);
      assert.equal((await project.migrate('verify')).code, 0, 'only where it is asked for');
      if (where === 'PostgreSQL') {
        const pg = await postgres();
        assert.deepEqual(await pg.query('postgres', "SELECT datname FROM pg_database WHERE datname LIKE '%scratch%' OR datname LIKE 'guildhall%'"), [], 'its database is gone');
      } else {
        const TMPDIR = temporaryFolder();
        assert.equal((await run(project.arguments('verify', '--schema'), { env: { ...project.environment(), TMPDIR } })).code, 5);
        assert.deepEqual(readdirSync(TMPDIR), []);
      }
    });

    test(`in the order of its columns alone is told with --strict-order on ${where}`, async () => {
      const project = await make();
      project.write('0001_people.sql', 'CREATE TABLE people (id integer PRIMARY KEY, name text, age integer);');
      assert.equal((await project.migrate('up')).code, 0);
      await project.execute('ALTER TABLE people DROP COLUMN name; ALTER TABLE people ADD COLUMN name text');
      assert.equal((await project.json('verify', '--schema')).code, 0);
      const { code, stdout } = await project.migrate('verify', '--schema', '--strict-order');
      assert.equal(code, 5);
      assert.match(stdout, /E-SCHEMA: .*changed column .*age.*position 3 -> .*position 2/);
      assert.match(stdout, /E-SCHEMA: .*changed column .*name.*position 2 -> .*position 3/);
    });
  }
});
