// The guide's way into Discord, as an operator takes it: every command of docs/guide/discord.md is run as it stands
// there, in its order, against the simulated Discord.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, http, root, run, simEnvironment, start, startSim, temporaryFolder, until } from '../support/guildhall.mjs';

const guide = readFileSync(join(root, 'docs/guide/discord.md'), 'utf8');
const commands = [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap((block) => block[1].trim().split('\n'));

let sim;
let bot;
let env;
let cwd;
before(async () => {
  sim = await startSim();
  cwd = temporaryFolder();
  const address = `127.0.0.1:${await freePort()}`;
  await sim.post('/discord/redirect-uris', { uris: [`http://${address}/auth/discord/callback`] });
  env = { ...simEnvironment(sim.contract), GUILDHALL_WEB_LISTEN: address };
});
after(async () => {
  await bot?.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

const doctor = async (extra = {}) => {
  const { code, stdout, stderr } = await run(['doctor', 'discord', '--json'], { cwd, env: { ...env, ...extra } });
  return { code, report: stdout === '' ? null : JSON.parse(stdout), stderr };
};
const problems = ({ report }) => report.findings.filter((one) => one.level === 'problem').map((one) => one.text);

test('each command of the guide does what the guide says', async () => {
  const server = (await sim.get('/world')).servers[0];
  const told = (line) => line
    .replace('123456789012345678', server.id)
    .replace('234567890123456789', server.roles.find((role) => role.name === 'Regular').id)
    .replace('345678901234567890', server.channels.find((channel) => channel.name === 'clips').id);
  let printed = '';
  for (const line of commands) {
    const [program, ...args] = told(line).split(' ');
    assert.equal(program, 'guildhall', line);
    if (line === 'guildhall run') {
      assert.match(printed, /^problem +commands +not registered: .*\/help/m, 'what the guide says of the first look');
      assert.match(printed, /^doctor: 1 problem, 0 warnings$/m);
      bot = start(args, { cwd, env });
      await until('the commands', async () => (await sim.get('/discord/commands')).length > 0);
      await until('the servers', async () => JSON.parse((await run(['server', 'list', '--json'], { cwd, env })).stdout).servers.length === 3);
      continue;
    }
    const { code, stdout, stderr } = await run(args, { cwd, env });
    printed = stdout;
    assert.equal(code, bot ? 0 : 1, `${line}\n${stdout}${stderr}`);
  }
  assert.match(printed, /the bot can post to #clips/);
  assert.match(printed, /the bot can give "Regular"/);
  assert.match(printed, /^to add the bot to a server: https:\/\/discord\.com\/oauth2\/authorize\?client_id=\d+&scope=bot\+applications\.commands&permissions=\d+$/m);
  assert.ok(commands.length >= 5, 'the guide has its commands');
});

test('what is wrong is told by text and exit code', async () => {
  const refused = await doctor({ GUILDHALL_DISCORD_TOKEN: 'wrong' });
  assert.equal(refused.code, 77);
  assert.deepEqual(problems(refused), ['Discord does not accept discord.token']);

  await sim.post('/faults', { gateway_no_privileged: true });
  const without = await doctor();
  await sim.post('/faults', { gateway_no_privileged: false });
  assert.equal(without.code, 1);
  assert.deepEqual(problems(without), ['switched off: Server Members Intent, Message Content Intent']);

  const none = await doctor({ GUILDHALL_DISCORD_TOKEN: '' });
  assert.equal(none.code, 78);
  assert.match(none.stderr, /discord\.token is not set/);

  const typo = await run(['doctor', 'discord', '--role', '5'], { cwd, env });
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /--role needs --server ID/);
  const unknown = await run(['doctor', 'discord', '--server', '404'], { cwd, env });
  assert.notEqual(unknown.code, 0);
  assert.match(unknown.stderr, /404/);
});

test('what the bot may not say stands on the server\'s page', async () => {
  const server = (await sim.get('/world')).servers[0];
  const rules = server.channels.find((channel) => channel.name === 'rules').id;
  assert.equal((await run(['settings', 'set', '--server', server.id, 'log_channel_id', rules], { cwd, env })).code, 0);
  const { url, code } = JSON.parse((await run(['login-code', '--json'], { cwd, env })).stdout);
  const signedIn = await http('POST', `${new URL(url).origin}/api/v1/session`, { code });
  const cookie = signedIn.headers.get('set-cookie').split(';')[0];
  await until('the reason', async () => {
    await sim.post('/discord/command', { guild: server.id, user: server.owner, name: 'points-add', options: { user: server.members[0].id, amount: 1, reason: 'x' } });
    const { json } = await http('GET', `${new URL(url).origin}/api/v1/servers/${server.id}`, undefined, { cookie });
    return json.unsent.some((one) => one.problem === `the bot lacks "Send Messages" in channel ${rules}` && one.way_out.startsWith('In Discord: Edit Channel'));
  });
});
