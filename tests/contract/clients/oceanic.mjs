// oceanic.js at the simulated Discord: guilds, members, messages, commands, moderation, threads, coming back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ApplicationCommandOptionTypes, ApplicationCommandTypes, AuditLogActionTypes, ChannelTypes, Client, MessageFlags } from 'oceanic.js';
import { heard, simulate, until } from './scaffold.mjs';

let sim;
let world;
let texts;
let recorded;
let interaction;
let client;

before(async () => {
  ({ sim, world, texts, recorded, interaction } = await simulate());
  client = new Client({
    auth: `Bot ${sim.contract.discord.token}`,
    rest: { baseURL: `${sim.contract.discord.rest}/v10` },
    gateway: { intents: ['GUILDS', 'GUILD_MEMBERS', 'GUILD_MODERATION', 'GUILD_MESSAGES', 'MESSAGE_CONTENT'], compress: 'zlib-stream' },
  });
  client.on('error', () => {}); // a closed connection is one, too
  const ready = heard(client, 'ready');
  await client.connect();
  await ready;
});
after(async () => {
  client?.disconnect(false);
  await sim?.stop();
});

test('receives every guild, and its members on request', async () => {
  await until('the guilds to arrive', () => client.guilds.size === world.servers.length);
  for (const server of world.servers) {
    const guild = client.guilds.get(server.id);
    assert.equal(guild.ownerID, server.owner);
    assert.deepEqual(guild.channels.map(({ name }) => name).sort(), server.channels.map(({ name }) => name).sort());
    const members = await guild.fetchMembers();
    assert.deepEqual(members.map(({ id }) => id).sort(), server.members.map(({ id }) => id).sort());
  }
});

test('finds members by their ids', async () => {
  const [server] = world.servers;
  const wanted = server.people.slice(0, 2);
  const found = await client.guilds.get(server.id).fetchMembers({ userIDs: wanted });
  assert.deepEqual(found.map(({ id }) => id).sort(), [...wanted].sort());
});

test('hears a message, writes, changes and deletes its own', async () => {
  const [server] = world.servers;
  const [user] = server.people;
  const coming = heard(client, 'messageCreate', ({ author }) => author.id === user);
  await sim.post('/discord/message', { guild: server.id, user, content: 'good **evening**' });
  const { channelID, content } = await coming;
  assert.equal(content, 'good **evening**');
  const written = await client.rest.channels.createMessage(channelID, { content: 'hello', files: [{ name: 'a.txt', contents: Buffer.from('1') }] });
  assert.equal(written.attachments.first().size, 1);
  assert.equal((await written.edit({ content: 'hello again' })).content, 'hello again');
  assert.deepEqual(await texts(server.id, channelID), ['good **evening**', 'hello again']);
  await written.delete();
  assert.deepEqual(await texts(server.id, channelID), ['good **evening**']);
});

test('registers a command, answers it and adds more', async () => {
  const [server] = world.servers;
  const options = [{ type: ApplicationCommandOptionTypes.USER, name: 'who', description: 'Whom', required: true }];
  await client.application.bulkEditGlobalCommands([{ type: ApplicationCommandTypes.CHAT_INPUT, name: 'greet', description: 'Greets', options }]);
  const [user, greeted] = server.people;
  const given = await interaction(client, 'interactionCreate', '/discord/command', { guild: server.id, user, name: 'greet', options: { who: greeted } });
  assert.equal(given.data.options.getUser('who').id, greeted);
  await given.defer(MessageFlags.EPHEMERAL);
  await given.editOriginal({ content: 'hello' });
  const record = await recorded(given.id);
  assert.deepEqual([record.deferred, record.ephemeral, record.answer.content], [true, true, 'hello']);
  await given.createFollowup({ content: 'and welcome' });
  assert.equal((await recorded(given.id)).followups[0].content, 'and welcome');
});

test('moderates, by reason and as far as it may', async () => {
  const [, server] = world.servers;
  const { guilds } = client.rest;
  const [user] = server.people.filter((id) => server.members.find((member) => member.id === id).roles.length === 0);
  const entered = heard(client, 'guildAuditLogEntryCreate', (_, entry) => entry.actionType === AuditLogActionTypes.MEMBER_KICK);
  await guilds.removeMember(server.id, user, 'für immer');
  await entered;
  const log = await guilds.getAuditLog(server.id, { limit: 1 });
  assert.deepEqual([log.entries[0].targetID, log.entries[0].reason], [user, 'für immer']);
  await assert.rejects(guilds.removeMember(server.id, server.owner), { code: 50013 });
  const [other] = server.people.filter((id) => id !== user && server.members.find((member) => member.id === id).roles.length === 0);
  await assert.rejects(guilds.editMember(server.id, other, { nick: 'Owl' }), { code: 50013 });
  const role = await guilds.createRole(server.id, { name: 'Readers' });
  await guilds.addMemberRole(server.id, other, role.id, 'reads');
  assert.deepEqual((await guilds.getMember(server.id, other)).roles, [role.id]);
});

test('opens a thread and writes there', async () => {
  const [, server] = world.servers;
  const channel = server.channels.find(({ name }) => name === 'general').id;
  const opened = heard(client, 'threadCreate');
  const thread = await client.rest.channels.startThreadWithoutMessage(channel, { name: 'talk', type: ChannelTypes.PUBLIC_THREAD });
  assert.equal((await opened).id, thread.id);
  await client.rest.channels.createMessage(thread.id, { content: 'first' });
  assert.deepEqual(await texts(server.id, thread.id), ['first']);
});

test('comes back after a close, and misses nothing', async () => {
  const [server] = world.servers;
  const coming = heard(client, 'messageCreate', ({ author }) => author.id === server.people[0], 30);
  await sim.post('/discord/gateway', { do: 'close', code: 4000 });
  await sim.post('/discord/message', { guild: server.id, user: server.people[0], content: 'while you were away' });
  assert.equal((await coming).content, 'while you were away');
});
