// eris at the simulated Discord: it logs in, keeps its guilds, asks for members, writes and comes back.
import assert from 'node:assert/strict';
import https from 'node:https';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Client } from 'eris';
import { heard, simulate, until } from './scaffold.mjs';

let sim;
let world;
let texts;
let client;

/** eris speaks TLS to a host of its own choice; this carries what it says to the simulation. */
class PlainAgent extends https.Agent {
  createConnection() {
    const { hostname, port } = new URL(sim.contract.discord.rest);
    return net.connect(Number(port), hostname);
  }
}

function makeClient() {
  const made = new Client(`Bot ${sim.contract.discord.token}`, {
    intents: ['guilds', 'guildMembers', 'guildInvites', 'guildMessages', 'messageContent'],
    rest: { agent: new PlainAgent(), baseURL: '/api/v10' },
    maxShards: 'auto',
    restMode: true,
  });
  made.on('error', () => {}); // a closed connection is one, too
  return made;
}

before(async () => {
  ({ sim, world, texts } = await simulate());
  client = makeClient();
  const ready = heard(client, 'ready');
  await client.connect();
  await ready;
});
after(async () => {
  client?.disconnect({ reconnect: false });
  await sim?.stop();
});

test('receives every guild, and its members on request', async () => {
  assert.deepEqual([...client.guilds.keys()].sort(), [...sim.contract.discord.guilds].sort());
  for (const server of world.servers) {
    const guild = client.guilds.get(server.id);
    assert.equal(guild.ownerID, server.owner);
    assert.equal(guild.memberCount, server.members.length);
    assert.deepEqual(guild.channels.map(({ name }) => name).sort(), server.channels.map(({ name }) => name).sort());
    await guild.fetchAllMembers();
    assert.deepEqual([...guild.members.keys()].sort(), server.members.map(({ id }) => id).sort());
  }
});

test('finds members by their names and by their ids', async () => {
  const [server] = world.servers;
  const guild = client.guilds.get(server.id);
  const [wanted] = server.people;
  const { username } = server.members.find(({ id }) => id === wanted);
  const named = await guild.fetchMembers({ query: username, limit: 5 });
  assert.ok(named.some(({ id }) => id === wanted));
  const known = await guild.fetchMembers({ userIDs: [wanted] });
  assert.deepEqual(known.map(({ id }) => id), [wanted]);
});

test('hears a message, answers, changes and deletes its own', async () => {
  const [server] = world.servers;
  const [user] = server.people;
  const coming = heard(client, 'messageCreate', ({ author }) => author.id === user);
  await sim.post('/discord/message', { guild: server.id, user, content: 'good evening 🦉' });
  const message = await coming;
  assert.equal(message.content, 'good evening 🦉');
  assert.equal(message.guildID, server.id);
  const answer = await client.createMessage(message.channel.id, { content: 'hello', messageReference: { messageID: message.id } });
  assert.equal((await answer.edit('hello again')).content, 'hello again');
  assert.deepEqual(await texts(server.id, message.channel.id), ['good evening 🦉', 'hello again']);
  await answer.delete('done');
  assert.deepEqual(await texts(server.id, message.channel.id), ['good evening 🦉']);
});

test('is told what it may not do', async () => {
  const [server] = world.servers;
  const named = (wanted) => server.channels.find(({ name }) => name === wanted).id;
  await assert.rejects(client.createMessage(named('rules'), 'x'), { code: 50013 });
  await assert.rejects(client.createMessage(named('staff'), 'x'), { code: 50001 });
  await assert.rejects(client.addGuildMemberRole(server.id, server.people[0], server.roles[4].id, 'promoted'), { code: 50013 });
});

test('hears of invites, and of who comes by them', async () => {
  const [, server] = world.servers;
  const made = heard(client, 'inviteCreate', (guild, { maxUses }) => guild.id === server.id && maxUses === 1);
  const { invite } = await sim.post('/discord/invite', { guild: server.id, max_uses: 1 });
  await made;
  const order = [];
  client.once('inviteDelete', () => order.push('invite'));
  const joined = heard(client, 'guildMemberAdd');
  client.once('guildMemberAdd', () => order.push('member'));
  const { user } = await sim.post('/discord/member-join', { guild: server.id, invite });
  await joined;
  assert.deepEqual(order, ['invite', 'member']);
  assert.ok(client.guilds.get(server.id).members.has(user));
});

test('comes back after its session was cut, and misses nothing', async () => {
  const [server] = world.servers;
  const resumed = heard(client, 'shardResume', () => true, 30);
  const coming = heard(client, 'messageCreate', () => true, 30);
  await sim.post('/discord/gateway', { do: 'reconnect' });
  await sim.post('/discord/message', { guild: server.id, user: server.people[0], content: 'while you were away' });
  await resumed;
  assert.equal((await coming).content, 'while you were away');
});

test('tells an outage from being thrown out', async () => {
  const [, , server] = world.servers;
  const gone = heard(client, 'guildUnavailable');
  await sim.post('/discord/outage', { guild: server.id });
  assert.equal((await gone).id, server.id);
  const back = heard(client, 'guildAvailable');
  await sim.post('/discord/outage-end', { guild: server.id });
  assert.equal((await back).id, server.id);
  await sim.post('/discord/guild-leave', { guild: server.id });
  await until('the guild to be forgotten', () => !client.guilds.has(server.id) && !client.unavailableGuilds.has(server.id));
});
