// A set of the shape of StreamBot's: 0000, 0003 and 0004 by two generators, then the late and the edited file.
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { postgres, Project } from './support.mjs';

const three = ['0000_foundation', '0003_unique_platform_user', '0004_entry_attempts'];

describe('the set of 0000, 0003 and 0004', () => {
  test('goes up with 101, 2 and 13 statements, down to nothing and up again to the same schema', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    assert.deepEqual(await project.states(), three.map((name) => `${name} pending`));
    assert.match((await project.migrate('status')).stdout, /no journal: nothing has been applied by this tool/);
    const up = await project.json('up');
    assert.equal(up.code, 0, up.stderr);
    assert.deepEqual(up.answer.applied.map(({ name, statements }) => [name, statements]), [[three[0], 101], [three[1], 2], [three[2], 13]]);
    const tables = await project.query("SELECT count(*)::int AS n FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'");
    assert.equal(tables[0].n, 43);
    assert.deepEqual(await project.query("SELECT indexname FROM pg_indexes WHERE indexname = 'platform_connections_platform_platform_user_id_unique'"), [{ indexname: 'platform_connections_platform_platform_user_id_unique' }]);
    assert.equal((await project.migrate('verify', '--schema')).code, 0);

    for (const name of [...three].reverse()) {
      const down = await project.json('down', ...(name === three[0] ? ['--confirm-data-loss=all'] : []));
      assert.equal(down.code, 0, down.stderr);
      assert.deepEqual(down.answer.reverted.map((one) => one.name), [name]);
    }
    const left = await project.query("SELECT count(*)::int AS n FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'");
    assert.equal(left[0].n, 0);
    const again = await project.json('up');
    assert.equal(again.answer.fingerprint, up.answer.fingerprint);
    assert.deepEqual(again.answer.applied.map((one) => one.fingerprint_after), up.answer.applied.map((one) => one.fingerprint_after));
    assert.match((await project.migrate('up')).stdout, /^Nothing to do: 3 applied, 0 pending\.\n$/);
  });

  test('a file that is re-indented is cosmetic, one with another default is drift, and each can be accepted', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    assert.equal((await project.migrate('up')).code, 0);
    const file = '0000_foundation.sql';
    const text = readFileSync(join(project.dir, file), 'utf8');
    project.write(file, text.replaceAll('\t', '        '));
    assert.deepEqual((await project.states())[0], `${three[0]} cosmetic`);
    assert.equal((await project.migrate('up')).code, 0);
    project.write(file, text.replaceAll('\t', '        ').replace('gpt-5-mini', 'gpt-4o'));
    const refused = await project.migrate('up');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /E-CHANGED: 0000_foundation/);
    assert.equal((await project.migrate('verify')).code, 5);
    assert.equal((await project.migrate('repair', '--cosmetic')).code, 0);
    assert.deepEqual((await project.states())[0], `${three[0]} changed`);
    assert.equal((await project.migrate('repair', '--accept', three[0])).code, 2);
    assert.equal((await project.migrate('repair', '--accept', '0000', '--reason', 'the default moved')).code, 0);
    assert.deepEqual((await project.states())[0], `${three[0]} applied`);
    rmSync(join(project.dir, '0003_unique_platform_user.sql'));
    assert.equal((await project.migrate('status', '--check')).code, 5);
    assert.match((await project.migrate('verify')).stdout, /E-MISSING: 0003_unique_platform_user/);
  });

  test('what was generated late again, and what stands beside, is named and not run', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    assert.equal((await project.migrate('up')).code, 0);
    project.use('later');
    const verified = await project.json('verify');
    const codes = verified.answer.findings.map(({ code, name }) => `${code} ${name}`);
    assert.ok(codes.includes('E-LATE 0001_generated_again'), codes.join());
    assert.ok(codes.includes('W-STRAY fix-ai-model-config.sql'), codes.join());
    assert.equal(verified.code, 5);
    const refused = await project.migrate('up');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /E-LATE: 0001_generated_again/);
    assert.equal((await project.migrate('verify', '--strict')).code, 5);
  });

  test('on an empty database the number decides, and all succeed but what needs a role that is not there', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    project.use('later');
    const up = await project.json('up');
    assert.equal(up.code, 6);
    assert.deepEqual(up.answer.findings.filter(({ code }) => code === 'P-ROLE').map(({ name }) => name), ['0005_enhanced_moderation.sql', '0006_facts.sql']);
    assert.match(up.stderr, /there is no role streambot/);
    assert.equal((await project.query("SELECT 1 AS n FROM pg_tables WHERE schemaname = 'public'")).length, 0, 'nothing was run');
    const pg = await postgres();
    await pg.execute('postgres', 'CREATE ROLE streambot');
    const rest = await project.json('up');
    assert.equal(rest.code, 0, rest.stderr);
    assert.deepEqual(rest.answer.applied.map(({ name }) => name.slice(0, 4)), ['0000', '0001', '0003', '0004', '0005', '0006', '0007', '0008']);
  });

  test('0001, generated after 0003 to 0008 had been applied, is proved to be none that may come late', async () => {
    const project = await Project.onPostgres();
    const pg = await postgres();
    await pg.execute('postgres', "DO $$ BEGIN CREATE ROLE streambot; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    project.use('first');
    project.use('later');
    const late = readFileSync(join(project.dir, '0001_generated_again.sql'));
    rmSync(join(project.dir, '0001_generated_again.sql'));
    assert.equal((await project.migrate('up', '--no-backup', '--i-accept-data-loss')).code, 5, 'the list names a file that is gone');
    assert.equal((await project.migrate('up', '--layout', 'plain')).code, 0);
    project.write('0001_generated_again.sql', late);
    const refused = await project.migrate('up', '--allow-late');
    assert.equal(refused.code, 5);
    assert.match(refused.stderr, /E-LATE: 0001_generated_again cannot be applied in that order: .*already exists/);
    assert.deepEqual(await project.query("SELECT to_regclass('obs_connections') AS t"), [{ t: null }]);
  });

  test('each way back is proved in a database of its own', async () => {
    const project = await Project.onPostgres();
    project.use('first');
    const proved = await project.migrate('verify', '--roundtrip');
    assert.equal(proved.code, 0, proved.stdout + proved.stderr);
    for (const name of three) assert.match(proved.stdout, new RegExp(`${name} up, down, up: the same`));
    project.write('0004_entry_attempts.down.sql', 'DROP TABLE "giveaway_entry_attempts";');
    const wrong = await project.migrate('verify', '--roundtrip');
    assert.equal(wrong.code, 5);
    assert.match(wrong.stdout, /E-ROUNDTRIP: 0004_entry_attempts: .*still there: added column public.giveaways.entry_count/);
    assert.match((await project.migrate('status')).stdout, /no journal/);
  });
});
