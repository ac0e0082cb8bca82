// The operator proves that the servers are sealed off from each other, on the own database.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bot, freePort, query, run, simEnvironment, start, startSim, temporaryFolder, until } from '../support/guildhall.mjs';

const reserved = '-9000000000000000000';
const logs = ['operator_log', 'cross_server_log'];

/** How many rows each table holds, but for the two logs that keep what was done. */
async function counts(dataDir) {
  const tables = await query(dataDir, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name");
  const held = {};
  for (const { name } of tables.filter((table) => !logs.includes(table.name))) [held[name]] = Object.values((await query(dataDir, `SELECT count(*) FROM ${name}`))[0]);
  return held;
}

function assertSealed({ code, stdout, stderr }) {
  assert.equal(code, 0, stderr + stdout);
  assert.equal(stdout.trim().split('\n').length, 1, 'exactly one object');
  const proof = JSON.parse(stdout);
  assert.equal(proof.leaks, 0);
  assert.equal(proof.not_reached, 0, JSON.stringify(proof.missing));
  assert.deepEqual(proof.troubles, []);
  for (const kind of ['statements', 'commands', 'routes', 'caches', 'outputs']) assert.ok(proof[kind] > 0, kind);
  assert.ok(proof.table.every(({ verdict }) => verdict === 'sealed'));
}

test('on a fresh installation it finds no leak, says what it tried, and leaves nothing behind', async () => {
  const dataDir = temporaryFolder();
  const call = (...args) => run([...args, '--data-dir', dataDir]);
  await call('server', 'add', '-1', 'Night stream');
  const before = await counts(dataDir);
  assertSealed(await call('doctor', 'isolation', '--json'));
  const { code, stdout, stderr } = await call('doctor', 'isolation');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^persons\.find_identity +\d+ +0 +sealed$/m);
  assert.match(stdout, /^points add \(slash\) +\d+ +0 +sealed$/m);
  assert.match(stdout, /^GET \/servers\/\{server\}\/leaderboard +\d+ +0 +sealed$/m);
  assert.match(stdout, /0 leaks, 0 not reached/);
  assert.equal(stderr, '', 'no log lines of the proof, and no progress where nobody looks');
  assert.deepEqual(await counts(dataDir), before);
});

test('its numbers are refused to everybody else', async () => {
  const refused = await run(['server', 'add', reserved, 'Mine', '--data-dir', temporaryFolder()]);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /reserved for the isolation proof/);
});

test('killed in the middle, it leaves what nobody sees and the next start clears away', async () => {
  const dataDir = temporaryFolder();
  await run(['server', 'add', '-1', 'Night stream', '--data-dir', dataDir]);
  const before = await counts(dataDir);
  const isInTheMiddle = () => query(dataDir, 'SELECT 1 FROM watchtime LIMIT 1').then((rows) => rows.length > 0, () => false); // false: or locked just now
  // Another, where one was quicker than the look at it.
  await until('a proof to be killed in the middle', async () => {
    const proof = start(['doctor', 'isolation', '--data-dir', dataDir]);
    while (proof.child.exitCode === null && !(await isInTheMiddle()));
    await proof.stop('SIGKILL');
    return isInTheMiddle();
  });
  assert.notDeepEqual(await counts(dataDir), before);
  const { stdout } = await run(['server', 'list', '--json', '--data-dir', dataDir]);
  assert.deepEqual(JSON.parse(stdout).servers.map(({ id }) => id), ['-1']);
  assert.deepEqual(await counts(dataDir), before);
});

test('a bot that runs beside it goes on and hears nothing of it', async (t) => {
  const sim = await startSim();
  t.after(() => sim.stop('SIGKILL'));
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const bot = new Bot({ dataDir: temporaryFolder(), port, env: simEnvironment(sim.contract) });
  bot.begin();
  t.after(() => bot.process.stop('SIGKILL'));
  await bot.ready();
  const world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === world.servers.length);
  const api = await bot.bindTo(world);
  const heard = async () => (await query(bot.dataDir, 'SELECT count(*) AS n FROM channel_subscriptions'))[0].n;
  await until('the events of both channels', async () => (await heard()) === 8);
  const servers = await bot.commandJson('server', 'list');
  const channels = await query(bot.dataDir, 'SELECT platform_user_id FROM channels ORDER BY 1');

  const slug = world.servers[0].suggested_kick_channel;
  const viewer = world.kick_channels.find((channel) => channel.slug === slug).viewers.find((one) => !one.bot && one.slug !== slug);
  const lines = async () => (await sim.get(`/kick/chat?slug=${slug}`)).length;
  let done = false;
  const proving = bot.command('doctor', 'isolation', '--json').finally(() => (done = true));
  for (let round = 0; !done || round < 3; ++round) {
    const said = await lines();
    await sim.post('/kick/chat', { slug, user: viewer.id, content: '!points' });
    if (round === 0) await until('an answer meanwhile', async () => (await lines()) > said + 1);
    const { json } = await api('GET', '/api/v1/servers');
    assert.deepEqual(json.servers.map(({ id }) => id).sort(), world.servers.map(({ id }) => id).sort());
  }
  assertSealed(await proving);
  assert.deepEqual(await bot.commandJson('server', 'list'), servers);
  assert.deepEqual(await query(bot.dataDir, 'SELECT platform_user_id FROM channels ORDER BY 1'), channels);
  assert.deepEqual(await query(bot.dataDir, `SELECT discord_server_id FROM servers WHERE discord_server_id <= ${reserved}`), []);
  assert.doesNotMatch(bot.process.stderr(), /-9\d{18}/);
});
