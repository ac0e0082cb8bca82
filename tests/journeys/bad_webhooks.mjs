// Webhooks that are forged, stale, repeated, foreign, oversized or not text. The test signs with the
// simulated Kick's own key, so that only what it means to be wrong is wrong.
import assert from 'node:assert/strict';
import { createSign, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Bot, freePort, http, kickSubscriptions, simEnvironment, startSim, temporaryFolder, until } from '../support/guildhall.mjs';
import { sum, testedLayout } from '../support/layouts.mjs';

let sim;
let bot;
let url;
let key;
let channel;
let chat; // the subscription to its chat

before(async () => {
  const kept = temporaryFolder();
  sim = await startSim(['--keep', kept]);
  key = readFileSync(join(kept, 'kick.pem'));
  const port = await freePort();
  const dataDir = temporaryFolder();
  const storage = await testedLayout().open({ dataDir });
  bot = new Bot({ dataDir, port, env: { ...simEnvironment(sim.contract), GUILDHALL_DISCORD_PUBLIC_KEY: sim.contract.discord.public_key, ...storage.env } });
  bot.query = storage.read;
  url = `${bot.url}/webhooks/kick`;
  bot.begin();
  await bot.ready();
  const world = await sim.get('/world');
  await until('the servers to arrive', async () => (await bot.commandJson('server', 'list')).servers.length === 3);
  await bot.bindTo(world);
  channel = world.kick_channels.find(({ slug }) => slug === world.servers[2].suggested_kick_channel);
  const { id } = channel.viewers.find(({ slug }) => slug === channel.slug);
  const kick = await kickSubscriptions(sim.contract);
  chat = await until('the subscription to its chat', async () => (await kick.list()).find((one) => String(one.broadcaster_user_id) === id && one.event === 'chat.message.sent')?.id);
});
after(async () => {
  await bot?.process.stop('SIGKILL');
  await sim?.stop('SIGKILL');
});

/** A chat message as Kick describes it; `changed` overrides its fields. */
function chatBody(changed = {}) {
  const [owner, sender] = [channel.viewers.find(({ slug }) => slug === channel.slug), channel.viewers.find(({ slug, bot: isBot }) => slug !== channel.slug && !isBot)];
  const person = ({ id, username, slug }) => ({ is_anonymous: false, user_id: Number(id), username, is_verified: false, profile_picture: '', channel_slug: slug, identity: null });
  return JSON.stringify({ message_id: randomUUID(), broadcaster: person(owner), sender: person(sender), content: 'hello', emotes: null, created_at: new Date().toISOString(), ...changed });
}

async function deliver(body, { id = randomUUID(), at = new Date(), headers = {}, signedBody = body } = {}) {
  const timestamp = at instanceof Date ? at.toISOString() : at;
  const bytes = Buffer.from(signedBody);
  const signature = createSign('RSA-SHA256').update(`${id}.${timestamp}.`).update(bytes).sign(key, 'base64');
  const answer = await http('POST', url, Buffer.from(body), {
    'kick-event-message-id': id, 'kick-event-subscription-id': chat, 'kick-event-signature': signature,
    'kick-event-message-timestamp': timestamp, 'kick-event-type': 'chat.message.sent', 'kick-event-version': '1', ...headers,
  });
  return answer.status;
}

const moments = async () => sum(await bot.query('SELECT count(*) AS n FROM presence'), 'n');

test('a genuine one counts; delivered again it counts no more', async () => {
  const body = chatBody();
  const id = randomUUID();
  assert.equal(await deliver(body, { id }), 200);
  assert.equal(await moments(), 1);
  assert.equal(await deliver(body, { id }), 200);
  assert.equal(await deliver(body), 200, 'in another envelope');
  assert.equal(await moments(), 1);
});

test('forged and stale ones are refused and leave nothing', async () => {
  const before = await moments();
  const body = chatBody();
  assert.equal(await deliver(body, { signedBody: `${body} ` }), 401, 'one byte differs');
  assert.equal(await deliver(body, { headers: { 'kick-event-message-id': randomUUID() } }), 401, 'another id');
  assert.equal(await deliver(body, { headers: { 'kick-event-signature': Buffer.alloc(256, 7).toString('base64') } }), 401);
  assert.equal(await deliver(body, { headers: { 'kick-event-signature': '%%%' } }), 401);
  assert.equal(await deliver(body, { headers: { 'kick-event-signature': '' } }), 401);
  assert.equal(await deliver(body, { at: new Date(Date.now() - 3_600_000) }), 401, 'an hour old');
  assert.equal(await deliver(body, { at: new Date(Date.now() + 3_600_000) }), 401, 'an hour ahead');
  assert.equal(await deliver(body, { at: 'yesterday' }), 401);
  assert.equal((await http('POST', url, body)).status, 401, 'no signature at all');
  assert.equal((await http('GET', url)).status, 405);
  assert.equal(await moments(), before);
});

test('oversized bodies are refused', async () => {
  assert.equal(await deliver(chatBody({ content: 'x'.repeat(2_000_000) })), 413);
  assert.equal((await http('POST', `${bot.url}/api/v1/session`, { code: 'x'.repeat(2_000_000) })).status, 413);
});

test('interactions of Discord are taken at an address of their own, when it has proved that it looks at signatures', async () => {
  const address = `${bot.url}/webhooks/discord/interactions`;
  const forged = { 'x-signature-ed25519': 'ab'.repeat(64), 'x-signature-timestamp': String(Math.floor(Date.now() / 1_000)) };
  assert.equal((await http('POST', address, { type: 1 })).status, 401);
  const refused = await http('POST', address, { type: 1 }, forged);
  assert.deepEqual([refused.status, refused.text], [401, ''], 'and no word why');
  assert.equal((await http('POST', address, { type: 1, token: 'x'.repeat(2_000_000) }, forged)).status, 413);
  assert.equal((await http('GET', address)).status, 405);
  await sim.post('/discord/interactions-url', { url: address });
  await until('the address to be tried', async () => (await sim.get('/discord/interactions-url')).state !== 'trying');
  assert.deepEqual(await sim.get('/discord/interactions-url'), { url: address, state: 'accepted', reason: '' });
  const [{ id: guild, owner: user }] = (await sim.get('/world')).servers;
  const { interaction } = await sim.post('/discord/command', { guild, user, name: 'help' });
  const [record] = await until('an answer', async () => {
    const found = await sim.get(`/discord/interactions?id=${interaction}`);
    return found[0].state === 'answered' ? found : undefined;
  });
  assert.match(record.answer.content, /leaderboard/);
  await sim.post('/discord/interactions-url', { url: '' });
});

const stranger = { is_anonymous: false, user_id: 424242, username: 'elsewhere', channel_slug: 'elsewhere', identity: null };

test('genuine ones that are not for us, or not what their subscription is for, change nothing', async () => {
  const before = await moments();
  assert.equal(await deliver(chatBody(), { headers: { 'kick-event-subscription-id': randomUUID() } }), 200, "another application's");
  assert.equal(await deliver(chatBody({ broadcaster: stranger })), 401, "another channel's");
  assert.equal(await deliver(chatBody(), { headers: { 'kick-event-type': 'channel.subscription.gifts' } }), 401, 'another kind');
  assert.equal(await moments(), before);
});

test('genuine ones that mean nothing to us are taken and change nothing', async () => {
  const before = await moments();
  assert.equal(await deliver('{"some": "thing"}'), 200);
  assert.equal(await deliver('not JSON'), 200);
  assert.equal(await deliver('[]'), 200);
  assert.equal(await deliver(chatBody({ sender: null })), 200);
  assert.equal(await deliver(chatBody({ sender: { ...stranger, user_id: -5 } })), 200);
  assert.equal(await moments(), before);
});

test('text that is none neither stops the bot nor reaches a page', async () => {
  for (const bytes of [[0xff, 0xfe], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    const [head, tail] = chatBody({ content: '!points MARK' }).split('MARK');
    assert.equal(await deliver(Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from(tail)])), 200);
  }
  assert.equal(await deliver(chatBody({ content: '\u0000!points\u0000' })), 200);
  assert.equal(await deliver(chatBody().replace('"hello"', '"\\ud800 half a pair"')), 200);
  const name = chatBody().replace(/"username":"[^"]*","is_verified":false,"profile_picture":"","channel_slug":"[^"]*","identity":null},"content"/, '"username":"a\\u0000b\\u202ec","channel_slug":"x","identity":null},"content"');
  assert.equal(await deliver(name), 200);
  const before = await moments();
  assert.equal(await deliver(chatBody()), 200);
  assert.equal(await moments(), before + 1);
  const api = await bot.signIn();
  const { text } = await api('GET', `/api/v1/servers/${(await bot.commandJson('server', 'list')).servers[2].id}/activity`);
  assert.ok(!text.includes('\\u0000'));
});

test('each kind is counted', async () => {
  const { text } = await http('GET', `${bot.url}/metrics`);
  for (const outcome of ['accepted', 'repeated', 'forged', 'stale', 'foreign', 'oversized']) {
    const count = new RegExp(`^guildhall_kick_webhooks_total\\{outcome="${outcome}"\\} ([1-9]\\d*)$`, 'm');
    assert.match(text, count);
  }
});
