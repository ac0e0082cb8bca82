// Whoever sets a bot up sees on its page what is wrong, sets one thing right after the other, and keeps somebody out.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';

let sim;
let port;
let dataDir;
let bot;

const begin = async (env = {}) => {
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...env } });
  bot.begin();
  await until('the dashboard', async () => {
    if (bot.process.child.exitCode !== null) throw new Error(bot.process.stderr());
    return (await http('GET', `${bot.url}/healthz`).catch(() => ({}))).status === 200;
  });
};
const end = () => bot.process.stop('SIGTERM');
/** What the page shows: {topic: finding}. */
const setup = async (api) => Object.fromEntries((await api('GET', '/api/v1/setup')).json.findings.map((finding) => [finding.topic, finding]));
const levels = async (topics) => {
  const seen = await setup(await bot.signIn());
  return topics.map((topic) => seen[topic]?.level);
};

before(async () => {
  sim = await startSim();
  port = await freePort();
  dataDir = temporaryFolder();
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

test('without a token there is a page that says how to get one', async () => {
  await begin({ GUILDHALL_DISCORD_TOKEN: '', GUILDHALL_KICK_CLIENT_ID: '', GUILDHALL_KICK_CLIENT_SECRET: '' });
  assert.match(bot.process.stderr(), /No server has come yet\. What is left to set up: http:\/\/127\.0\.0\.1:\d+\/setup/);
  const { token, kick, operators } = await setup(await bot.signIn());
  assert.equal(token.level, 'problem');
  assert.match(token.hint, /docs\/guide\/discord\.md/);
  assert.equal(kick.level, 'warn');
  assert.equal(operators.level, 'warn');
  await end();
});

test('a token that Discord refuses ends no first run, and the page names it', async () => {
  await begin({ GUILDHALL_DISCORD_TOKEN: 'wrong', GUILDHALL_KICK_CLIENT_SECRET: 'wrong' });
  const readiness = await until('Discord to refuse it', async () => {
    const { status, text } = await http('GET', `${bot.url}/readyz`);
    return status === 503 && /does not accept/.test(text) && text;
  });
  assert.match(readiness, /token/);
  const { token, kick } = await setup(await bot.signIn());
  assert.deepEqual([token.level, kick.level], ['problem', 'problem']);
  assert.match(token.text, /does not accept discord\.token/);
  assert.match(kick.text, /does not accept kick\.client_id and kick\.client_secret/);
  await end();
});

test('intents that are off and a redirect address that Discord does not know are named', async () => {
  await sim.post('/faults', { gateway_no_privileged: true });
  await sim.post('/discord/redirect-uris', { uris: ['https://elsewhere.example/auth/discord/callback'] });
  await begin();
  const found = await setup(await bot.signIn());
  assert.equal(found.intents.level, 'problem');
  assert.match(found.intents.text, /switched off: Server Members Intent, Message Content Intent/);
  assert.equal(found['sign-in'].level, 'problem');
  assert.match(found['sign-in'].text, new RegExp(`127\\.0\\.0\\.1:${port}/auth/discord/callback is not one of`));
  await end();
  await sim.post('/faults', { gateway_no_privileged: false });
  await sim.post('/discord/redirect-uris', { uris: [`http://127.0.0.1:${port}/auth/discord/callback`] });
});

test('at last nothing is wrong but that it is all on one machine', async () => {
  await begin({ GUILDHALL_DISCORD_OPERATORS: '7' });
  await bot.ready();
  const topics = ['token', 'intents', 'sign-in', 'commands', 'operators', 'kick', 'address'];
  await until('the commands to be registered', async () => (await levels(['commands']))[0] === 'ok');
  assert.deepEqual(await levels(topics), ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'warn']);
  const { json } = await (await bot.signIn())('GET', '/api/v1/setup');
  assert.match(json.invite, /^https:\/\/discord\.com\/oauth2\/authorize\?client_id=\d+/);
});

test('an account that is disabled is out within five seconds, and stays out', async () => {
  const [{ owner, id }] = (await sim.get('/world')).servers;
  const member = await bot.signInByDiscord(owner);
  assert.equal((await member.api('GET', `/api/v1/servers/${id}`)).status, 200);
  assert.equal((await member.api('GET', '/api/v1/setup')).status, 403, 'he runs a server, not the bot');
  const listening = await fetch(`${bot.url}/api/v1/events`, { headers: { cookie: member.cookie() } });
  const told = (async () => {
    let text = '';
    for await (const chunk of listening.body) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: gone')) return Date.now();
    }
    return Infinity;
  })();

  const wrong = await bot.command('account', 'disable', 'somebody');
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /'somebody' is not a Discord user's id/);
  const disabled = await bot.command('account', 'disable', owner, '--reason', 'sold points');
  assert.equal(disabled.code, 0, disabled.stderr);
  const since = Date.now();
  assert.equal((await member.api('GET', `/api/v1/servers/${id}`)).status, 401);
  const late = (await told) - since;
  assert.ok(Number.isFinite(late), 'the page that listens is told');
  console.log(`# told after ${late} ms`);

  assert.equal((await bot.signInByDiscord(owner)).where, '/sign-in?error=disabled');
  const { accounts } = await bot.commandJson('account', 'list');
  assert.deepEqual(accounts.map(({ principal, reason }) => [principal, reason]), [[`discord:${owner}`, 'sold points']]);
  assert.equal((await bot.command('account', 'enable', owner)).code, 0);
  assert.equal((await bot.signInByDiscord(owner)).where, '/');
});
