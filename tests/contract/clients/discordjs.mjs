// The simulated Discord as a client sees it that is not ours: discord.js logs in, listens, registers
// commands, answers and is limited, exactly as it would be at the real platform.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  ActionRowBuilder, ApplicationCommandOptionType, ButtonBuilder, ButtonStyle, Client, Events, GatewayIntentBits, LabelBuilder, MessageFlags, ModalBuilder, SlashCommandBuilder,
  StringSelectMenuBuilder, TextInputBuilder, TextInputStyle, UserSelectMenuBuilder,
} from 'discord.js';
import { heard, simulate, until } from './scaffold.mjs';

let sim;
let world;
let texts;
let recorded;
let interaction;
let client;

const { Guilds, GuildMessages, MessageContent, GuildMembers } = GatewayIntentBits;

function makeClient() {
  return new Client({
    intents: [Guilds, GuildMessages, MessageContent, GuildMembers],
    rest: { api: sim.contract.discord.rest, version: '10' },
  });
}

const coming = (event, seconds = 20) => heard(client, event, () => true, seconds);

before(async () => {
  ({ sim, world, texts, recorded, interaction } = await simulate());
  client = makeClient();
  const ready = coming(Events.ClientReady);
  await client.login(sim.contract.discord.token);
  await ready;
});
after(async () => {
  await client?.destroy();
  await sim?.stop();
});

test('logs in and receives every guild with its channels, roles and members', async () => {
  assert.equal(client.application.id, sim.contract.discord.application_id);
  assert.deepEqual([...client.guilds.cache.keys()].sort(), [...sim.contract.discord.guilds].sort());
  for (const server of world.servers) {
    const guild = client.guilds.cache.get(server.id);
    assert.equal(guild.available, true);
    assert.equal(guild.ownerId, server.owner);
    assert.deepEqual(guild.channels.cache.map(({ name }) => name).sort(), server.channels.map(({ name }) => name).sort());
    const members = await guild.members.fetch({ limit: 1000 }).catch(async () => guild.members.list({ limit: 1000 }));
    for (const { id } of server.members) assert.ok(members.has(id), `member ${id} is missing`);
  }
});

test('a wrong token is refused with discord.js\'s own error', async () => {
  const stranger = makeClient();
  await assert.rejects(stranger.login('MTIzNDU2Nzg5MDEyMzQ1Njc4.abcdef.ghijklmnopqrstuvwxyz0123456789'), { code: 'TokenInvalid' });
  await stranger.destroy();
});

test('hears a message as it was written', async () => {
  const [server] = world.servers;
  const told = coming(Events.MessageCreate);
  await sim.post('/discord/message', { guild: server.id, user: server.members[1].id, content: 'good evening, **all** 🦉' });
  const message = await told;
  assert.equal(message.content, 'good evening, **all** 🦉');
  assert.equal(message.author.id, server.members[1].id);
  assert.equal(message.guildId, server.id);
});

test('registers commands, and finds them again as they were meant', async () => {
  const ping = new SlashCommandBuilder().setName('ping').setDescription('Answers')
    .addIntegerOption((option) => option.setName('times').setDescription('How often').setMinValue(1).setMaxValue(5));
  await client.application.commands.set([ping]);
  const found = await client.application.commands.fetch();
  assert.deepEqual(found.map(({ name }) => name), ['ping']);
  const { name, description, type, required, minValue, maxValue } = found.first().options[0];
  assert.deepEqual({ name, description, type, required, minValue, maxValue },
    { name: 'times', description: 'How often', type: ApplicationCommandOptionType.Integer, required: false, minValue: 1, maxValue: 5 });
  await assert.rejects(client.rest.put(`/applications/${client.application.id}/commands`, { body: [{ name: 'Not A Name', description: '' }] }), { code: 50035 });
});

test('answers an interaction', async () => {
  const [server] = world.servers;
  const given = await interaction(client, Events.InteractionCreate, '/discord/command', { guild: server.id, user: server.members[1].id, name: 'ping', options: { times: 3 } });
  assert.equal(given.options.getInteger('times'), 3);
  await given.reply({ content: 'pong '.repeat(3).trim(), flags: MessageFlags.Ephemeral });
  const record = await recorded(given.id);
  assert.equal(record.state, 'answered');
  assert.equal(record.ephemeral, true);
  assert.equal(record.answer.content, 'pong pong pong');
  await assert.rejects(client.rest.post(`/interactions/${given.id}/${given.token}/callback`, { body: { type: 4, data: { content: 'again' } } }), { code: 40060 });
});

test('defers, fills the answer in later and adds another', async () => {
  const [, server] = world.servers;
  const given = await interaction(client, Events.InteractionCreate, '/discord/command', { guild: server.id, user: server.members[2].id, name: 'ping' });
  await given.deferReply();
  assert.equal((await recorded(given.id)).deferred, true);
  await given.editReply('took a moment');
  await given.followUp('and one more');
  const record = await recorded(given.id);
  assert.equal(record.ephemeral, false);
  assert.equal(record.answer.content, 'took a moment');
  assert.deepEqual((await texts(server.id)).slice(-2), ['took a moment', 'and one more']);
  assert.equal((await given.fetchReply()).content, 'took a moment');
});

test('a button is clicked and the message changes', async () => {
  const [server] = world.servers;
  const channel = client.guilds.cache.get(server.id).channels.cache.find(({ name }) => name === 'bot-commands');
  const row = new ActionRowBuilder().addComponents(new ButtonBuilder().setCustomId('more').setLabel('More').setStyle(ButtonStyle.Primary));
  const message = await channel.send({ content: 'click here', components: [row] });
  const given = await interaction(client, Events.InteractionCreate, '/discord/click', { guild: server.id, user: server.members[3].id, message: message.id, custom_id: 'more' });
  assert.equal(given.isButton(), true);
  assert.equal(given.customId, 'more');
  await given.update({ content: 'clicked', components: [] });
  assert.equal((await channel.messages.fetch({ message: message.id, force: true })).content, 'clicked');
});

test('what is chosen and filled in comes back', async () => {
  const [server] = world.servers;
  const [user, other] = server.people;
  const channel = client.guilds.cache.get(server.id).channels.cache.find(({ name }) => name === 'bot-commands');
  const who = new UserSelectMenuBuilder().setCustomId('who');
  const message = await channel.send({ content: 'whom?', components: [new ActionRowBuilder().addComponents(who)] });
  const chosen = await interaction(client, Events.InteractionCreate, '/discord/click', { guild: server.id, user, message: message.id, custom_id: 'who', values: [other] });
  assert.equal(chosen.isUserSelectMenu(), true);
  assert.deepEqual([...chosen.members.keys()], [other]);
  const side = new StringSelectMenuBuilder().setCustomId('side').setRequired(false).addOptions({ label: 'Left', value: 'left' }, { label: 'Right', value: 'right' });
  const reason = new TextInputBuilder().setCustomId('reason').setStyle(TextInputStyle.Short).setMaxLength(20);
  await chosen.showModal(new ModalBuilder().setCustomId('form').setTitle('A form').addLabelComponents(
    new LabelBuilder().setLabel('Reason').setTextInputComponent(reason),
    new LabelBuilder().setLabel('Side').setStringSelectMenuComponent(side),
    new LabelBuilder().setLabel('With').setUserSelectMenuComponent(new UserSelectMenuBuilder().setCustomId('with')),
  ));
  assert.equal((await recorded(chosen.id)).modal.title, 'A form');
  const fields = { reason: 'because', side: ['right'], with: [other] };
  const sent = await interaction(client, Events.InteractionCreate, '/discord/submit', { guild: server.id, user, opened_by: chosen.id, fields });
  assert.equal(sent.isModalSubmit() && sent.isFromMessage(), true);
  assert.equal(sent.customId, 'form');
  assert.equal(sent.fields.getTextInputValue('reason'), 'because');
  assert.deepEqual(sent.fields.getStringSelectValues('side'), ['right']);
  assert.deepEqual([...sent.fields.getSelectedUsers('with').keys()], [other]);
  await sent.update({ content: 'done', components: [] });
  assert.equal((await channel.messages.fetch({ message: message.id, force: true })).content, 'done');
});

test('manages roles, channels, invites and the audit log', async () => {
  const guild = client.guilds.cache.get(world.servers[1].id);
  const role = await guild.roles.create({ name: 'Readers', reason: 'für den Club' });
  assert.equal((await role.setName('Writers')).name, 'Writers');
  const entries = (await guild.fetchAuditLogs({ limit: 5 })).entries;
  assert.ok(entries.some(({ targetId, reason }) => targetId === role.id && reason === 'für den Club'));
  await role.delete();
  const channel = await guild.channels.create({ name: 'new-books', topic: 'what comes' });
  assert.equal((await channel.setTopic('what came')).topic, 'what came');
  const invite = await channel.createInvite({ maxUses: 1 });
  assert.ok((await guild.invites.fetch()).has(invite.code));
  await channel.permissionOverwrites.create(guild.roles.everyone, { SendMessages: false });
  await assert.rejects(channel.send('no'), { code: 50013 });
  await channel.delete();
});

test('sends files, reacts, pins, deletes many and writes through a webhook', async () => {
  const guild = client.guilds.cache.get(world.servers[1].id);
  const channel = await guild.channels.create({ name: 'desk' });
  const message = await channel.send({ files: [{ attachment: Buffer.from('1,2\r\n'), name: 'numbers.csv', description: 'Two' }] });
  const file = message.attachments.first();
  assert.deepEqual([file.name, file.size, file.description], ['numbers.csv', 5, 'Two']);
  await message.react('👍');
  assert.equal((await channel.messages.fetch({ message: message.id, force: true })).reactions.cache.get('👍').me, true);
  await message.pin();
  assert.equal((await channel.messages.fetch({ message: message.id, force: true })).pinned, true);
  const webhook = await channel.createWebhook({ name: 'news' });
  const written = await webhook.send({ content: 'from outside', username: 'Herald' });
  assert.equal(written.webhookId, webhook.id);
  assert.equal((await channel.bulkDelete([message.id, written.id])).size, 2);
  await webhook.delete();
  await assert.rejects(webhook.send('gone'), { code: 10015 });
});

test('is limited by rate and still sends everything, in order', async () => {
  const [server] = world.servers;
  let limited = 0;
  client.rest.on('rateLimited', () => (limited += 1));
  const channel = client.guilds.cache.get(server.id).channels.cache.find(({ name }) => name === 'raffles');
  await sim.post('/faults', { discord_user_429: 1 });
  const wanted = Array.from({ length: 12 }, (_, i) => `line ${i}`);
  for (const line of wanted) await channel.send(line);
  const stands = (await sim.get(`/discord/messages?guild=${server.id}&channel=${channel.id}`)).map(({ content }) => content);
  assert.deepEqual(stands, wanted);
  assert.ok(limited > 0, 'no limit was ever met');
});

test('comes back after the connection is cut, and misses nothing', async () => {
  const [server] = world.servers;
  const resumed = coming(Events.ShardResume, 30);
  const told = coming(Events.MessageCreate, 30);
  await sim.post('/discord/gateway', { do: 'close', code: 4000 });
  await sim.post('/discord/message', { guild: server.id, user: server.members[1].id, content: 'while you were away' });
  await resumed;
  assert.equal((await told).content, 'while you were away');
});

test('an outage of a guild is no leaving', async () => {
  const [, , server] = world.servers;
  const gone = coming(Events.GuildUnavailable);
  await sim.post('/discord/outage', { guild: server.id });
  assert.equal((await gone).id, server.id);
  await sim.post('/discord/outage-end', { guild: server.id });
  await until('the guild to be available again', () => client.guilds.cache.get(server.id)?.available === true);
  const left = coming(Events.GuildDelete);
  await sim.post('/discord/guild-leave', { guild: server.id });
  assert.equal((await left).id, server.id);
  assert.equal(client.guilds.cache.has(server.id), false);
});
