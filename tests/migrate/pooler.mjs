// A connection pooler between the tool and the server, which gives each transaction another session.
import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { run, start, temporaryFolder, until } from '../support/guildhall.mjs';
import { postgres, Project } from './support.mjs';

/** Starts one; the function ends it and is told where it listens. */
async function pooler(pg, ignored) {
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `[databases]\n* = host=${pg.folder} user=operator\n[pgbouncer]\nunix_socket_dir = ${folder}\nlisten_addr =\nauth_type = any\npool_mode = transaction\nignore_startup_parameters = ${ignored}\n`);
  const words = ['pgbouncer', file];
  const started = process.getuid() === 0
    ? start(['--reuid=postgres', '--regid=postgres', '--clear-groups', ...words], { program: 'setpriv' })
    : start(words.slice(1), { program: words[0] });
  const url = (database) => `postgres://operator@${folder.replaceAll('/', '%2F')}:6432/${database}`;
  await until('the pooler to answer', async () => (await run(['-XAtqc', 'SELECT 1', url('postgres')], { program: '/usr/lib/postgresql/15/bin/psql' })).code === 0);
  return { url, stop: () => started.stop('SIGTERM') };
}

describe('a connection pooler', () => {
  for (const [what, ignored] of [['that refuses our settings', 'extra_float_digits'], ['that takes and forgets them', 'extra_float_digits,options']]) {
    test(`${what} is noticed, and nothing is run`, async (t) => {
      const project = await Project.onPostgres();
      project.write('0001_table.sql', 'CREATE TABLE t (x integer);');
      const { url, stop } = await pooler(await postgres(), ignored);
      t.after(stop);
      const direct = project.url;
      project.url = url(project.name);
      const refused = await project.migrate('up');
      assert.equal(refused.code, 6, refused.stderr);
      assert.match(refused.stderr, /^MG-POOLER: .*\nhint: Name the server itself with --url/);
      const examined = await project.json('doctor');
      assert.equal(examined.code, 6, examined.stdout);
      assert.ok(examined.answer.checks.some(({ topic, level }) => topic === 'pooler' && level === 'problem'));
      project.url = direct;
      assert.deepEqual(await project.states(), ['0001_table pending']);
      assert.equal((await project.migrate('up')).code, 0);
    });
  }
});
