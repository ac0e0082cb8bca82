// Runners that begin at the same moment.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { projects } from './support.mjs';

const rounds = 100;
const quick = ['--no-backup', '--i-accept-data-loss']; // what they race for is the lock

describe('two runners at once', { concurrency: 2 }, () => {
  for (const [where, make] of projects) {
    test(`${rounds} times on ${where}: each migration is applied once`, { timeout: 300_000 }, async () => {
      const project = await make();
      project.write('0000_runs.sql', 'CREATE TABLE runs (n integer NOT NULL);');
      assert.equal((await project.migrate('up')).code, 0);
      const codes = {};
      for (let i = 1; i <= rounds; i += 1) {
        project.write(`${String(i).padStart(4, '0')}_row.sql`, `INSERT INTO runs VALUES (${i});`);
        // Half of them wait for each other, half do not.
        const wait = i % 2 ? ['--lock-wait', '60s'] : [];
        const both = await Promise.all([0, 1].map(() => project.migrate('up', ...quick, ...wait)));
        for (const { code, stderr } of both) {
          codes[code] = (codes[code] ?? 0) + 1;
          assert.ok(code === 0 || (code === 4 && wait.length === 0), `exit ${code}: ${stderr}`);
        }
        assert.ok(both.some(({ code }) => code === 0));
      }
      const [{ n, of }] = await project.query('SELECT count(*) AS n, count(DISTINCT n) AS of FROM runs');
      assert.deepEqual([Number(n), Number(of)], [rounds, rounds]);
      console.log(`# ${rounds} rounds of two runners on ${where}: exits ${JSON.stringify(codes)}`);
    });
  }
});
