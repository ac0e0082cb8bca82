// A stranger's first minutes: the demo, its address, its counts.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { freePort, http, run, sleep, start, temporaryFolder, until } from '../support/guildhall.mjs';

const keys = ['servers', 'speed', 'discord_events', 'kick_events', 'commands', 'ticks', 'points_awarded', 'ledger_mismatches', 'foreign_rows', 'witness_mismatches'];

test('a counted demo prints exactly one JSON object, and the database is what the platforms were told', async () => {
  const folder = temporaryFolder();
  const { code, stdout, stderr } = await run(['demo', '--listen', '127.0.0.1:0', '--seconds', '15', '--speed', '60', '--rate', '20', '--json'], { cwd: folder });
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim().split('\n').length, 1);
  const counts = JSON.parse(stdout);
  assert.deepEqual(Object.keys(counts), keys);
  assert.equal(counts.servers, 3);
  assert.equal(counts.speed, 60);
  for (const key of ['discord_events', 'kick_events', 'commands', 'ticks', 'points_awarded']) assert.ok(counts[key] > 0, `${key}: ${counts[key]}`);
  for (const key of keys.slice(-3)) assert.equal(counts[key], 0, `${key}: ${counts[key]}\n${stderr}`);
  assert.ok(!existsSync(`${folder}/demo-data`), 'a counted run leaves nothing behind');
});

test('the demo prints an address that serves the dashboard and a code that works once', async (t) => {
  const folder = temporaryFolder();
  const port = await freePort();
  const demo = start(['demo', '--listen', `127.0.0.1:${port}`, '--speed', '1000'], { cwd: folder });
  t.after(() => demo.stop('SIGKILL'));
  const printed = await until('the address', () => /Dashboard +(\S+)/.exec(demo.stdout())?.[1]);
  const url = new URL(printed);
  assert.equal(url.port, String(port));
  assert.match(demo.stdout(), new RegExp(`Data +${folder}/demo-data`));

  const page = await http('GET', printed);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy'), /default-src 'none'|default-src 'self'/);
  const code = url.searchParams.get('code');
  await sleep(1_500); // twenty-five minutes of the world; a person's fifteen are not over
  const first = await http('POST', `${url.origin}/api/v1/session`, { code });
  assert.equal(first.status, 204);
  assert.match(first.headers.get('set-cookie'), /HttpOnly/);
  assert.equal((await http('POST', `${url.origin}/api/v1/session`, { code })).status, 401);

  const cookie = first.headers.get('set-cookie').split(';')[0];
  const servers = await http('GET', `${url.origin}/api/v1/servers`, undefined, { cookie });
  assert.equal(servers.json.servers.length, 3);
  assert.equal((await http('GET', `${url.origin}/api/v1/servers`)).status, 401);
  assert.deepEqual(await demo.stop('SIGINT'), { code: 0, signal: null });
});
