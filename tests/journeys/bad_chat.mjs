// What people type: the bot lives on, answers in a sentence, and changes nothing that was not meant.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bot, freePort, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { sum, testedLayout } from '../support/layouts.mjs';

let sim;
let bot;
let storage;
let world;

before(async () => {
  sim = await startSim();
  const port = await freePort();
  await sim.post('/kick/webhook', { url: `http://127.0.0.1:${port}/webhooks/kick` });
  const dataDir = temporaryFolder();
  storage = await testedLayout().open({ dataDir });
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), ...storage.env } });
  bot.query = storage.read;
  bot.begin();
  await bot.ready();
  world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  await bot.bindTo(world);
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

const place = () => {
  const server = world.servers[0];
  return { guild: server.id, channel: server.channels.find(({ name }) => name === 'bot-commands').id, user: server.owner, member: server.members[3].id };
};

/** What the owner writes as a message in Discord, and what the bot answers to it. */
async function say(content) {
  const { guild, channel, user } = place();
  const answers = async () => (await sim.get(`/discord/messages?guild=${guild}&channel=${channel}`)).filter(({ author }) => author.bot);
  const before = (await answers()).length;
  await sim.post('/discord/message', { guild, channel, user, content });
  const all = await until(`an answer to ${content.slice(0, 40)}`, async () => {
    const now = await answers();
    return now.length > before ? now : null;
  });
  return all.at(-1).content;
}

const booked = async () => sum(await bot.query('SELECT count(*) AS n FROM ledger'), 'n');

for (const amount of ['0', '-1', '9e18', '9223372036854775807', '9223372036854775808', '1e3', '１２３', '1.5', '1,000', '0x10', '+5', '٣', 'NaN', '']) {
  test(`an amount of "${amount}" is refused with a sentence`, async () => {
    const before = await booked();
    const { member } = place();
    const answer = await say(`!points add <@${member}> ${amount}`.trimEnd() + (amount === '' ? '' : ' because'));
    assert.match(answer, /amount/i);
    assert.equal(await booked(), before);
  });
}

test('the largest amount is booked, and one point on top of it is not', async () => {
  const { member } = place();
  assert.match(await say(`!points add <@${member}> 9000000000000000 all`), /got 9,000,000,000,000,000 points/);
  const before = await booked();
  assert.match(await say(`!points add <@${member}> 1 more`), /at most 9,000,000,000,000,000 points/);
  assert.equal(await booked(), before);
  assert.match(await say(`!points remove <@${member}> 9000000000000000 back`), /now has 0/);
});

test('a command of 2,000 characters is answered', async () => {
  const { member } = place();
  const line = `!points add <@${member}> 5 `;
  assert.match(await say(line + 'x'.repeat(2_000 - line.length)), /got 5 points/);
  const [{ reason }] = await bot.query('SELECT reason FROM ledger ORDER BY created_at DESC LIMIT 1');
  assert.ok([...reason].length <= 200, 'the log keeps the beginning');
});

test('hostile text in chat is stored as text or not at all, and the next command is answered', async () => {
  const slug = world.servers[0].suggested_kick_channel;
  const [viewer, other] = world.kick_channels.find((channel) => channel.slug === slug).viewers.filter((one) => !one.bot && one.slug !== slug);
  const texts = ['nul \u0000 in the middle', '\u0000', '!points \u0000', `!${'points '.repeat(280)}`, '\u202e!stniop', '@everyone @here <@1> `', "'; DROP TABLE persons; --", '{{constructor}}', ''];
  for (const content of texts) await sim.post('/kick/chat', { slug, user: viewer.id, content });
  const { guild, channel, user } = place();
  for (const content of texts.filter((text) => text !== '')) await sim.post('/discord/message', { guild, channel, user, content });
  const before = (await sim.get(`/kick/chat?slug=${slug}`)).length;
  await sim.post('/kick/chat', { slug, user: other.id, content: '!points' });
  await until('an answer after all that', async () => (await sim.get(`/kick/chat?slug=${slug}`)).length > before);
  assert.match(await say('!help'), /points/);
  // PostgreSQL has no such text.
  if (storage.postgres === undefined) assert.equal(sum(await bot.query('SELECT count(*) AS n FROM identities WHERE instr(name, char(0)) > 0'), 'n'), 0);
});
