// Expand, backfill, contract beside a program that is not ours and keeps its row by plain SQL.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { projects } from './support.mjs';

const quick = ['--no-backup', '--i-accept-data-loss'];

describe('phases', { concurrency: 2 }, () => {
  for (const [where, make] of projects) {
    test(`a contract waits until the last old program is gone, on ${where}`, { timeout: 60_000 }, async () => {
      const project = await make();
      const table = where === 'SQLite' ? 'migration_readers' : 'guildhall.migration_readers';
      const beat = (needs) => project.execute(`INSERT INTO ${table} (name, needs) VALUES ('bot@web1', '${needs}') ON CONFLICT (name) DO UPDATE SET needs = excluded.needs, heartbeat_at = excluded.heartbeat_at`);
      project.write('0001_users.sql', 'CREATE TABLE users (id integer PRIMARY KEY, nick text);');
      assert.equal((await project.migrate('up', ...quick)).code, 0);
      await beat('0001_users');
      project.write('0002_name.sql', '-- guildhall: phase=expand\nALTER TABLE users ADD COLUMN name text;');
      project.write('0003_no_nick.sql', '-- guildhall: phase=contract needs=0002_name allow=L03 reason="test"\nALTER TABLE users DROP COLUMN nick;');

      const together = await project.json('up', ...quick);
      assert.equal(together.code, 6, together.stderr);
      assert.equal(together.answer.failed.code, 'MG-PHASE');
      assert.equal((await project.migrate('plan')).code, 6);
      assert.deepEqual(await project.states(), ['0001_users applied', '0002_name pending', '0003_no_nick pending']);
      assert.equal((await project.migrate('up', '--to', '0002', ...quick)).code, 0);

      const early = await project.migrate('up', ...quick);
      assert.equal(early.code, 6);
      assert.match(early.stderr, /MG-READERS: .*bot@web1 \(written for 0001_users, heartbeat \d+ s ago\)[^]*\nhint: Stop them or bring them up to date/);
      const plan = await project.migrate('plan');
      assert.equal(plan.code, 6);
      assert.match(plan.stdout, /MG-READERS/);

      await beat('0002_name');
      assert.equal((await project.migrate('up', ...quick)).code, 0);
      await project.execute(`DELETE FROM ${table}`);
    });
  }
});
