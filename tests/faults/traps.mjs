// The traps of Discord's protocol, a script for each that Discord can set from its side; the real bot at the simulated
// Discord. Those that a bot sets for itself are shut where its words are made, and tested there:
//
//    1  a session begun anew at each reconnect      here          2  the old connection's end takes the new one's place   here
//    3  a refused session that is kept              here          4  an invalid session outside the handshake             here
//    5  a restart that ends the session             here          6  waiting for a dead connection                        here
//    7  an outage taken for being thrown out        here          8  a start taken for joining                            here
//    9  an update that forgets what it leaves out   here         10  limits by keys of one's own                          here
//   11  names of channels as counters               RefusalsTest.ARefusedNameHoldsBackNamesOfThatChannelOnly
//   12  asking on and on for what is refused        here         13  answers late or twice                                here
//   14  a deferral without its visibility           Answers.ADeferralSaysWhoWillSeeTheAnswerAndNothingElse
//   15  mentions open by default                    RestCallsTest.NoTextPingsAnybodyUnlessItSaysWhom
//   16  numbers for texts, bodies that are none     here (ids); Parse.AnArgumentThatIsBeingTyped
import assert from 'node:assert/strict';
import { http, sleep, until } from '../support/guildhall.mjs';
import { identifiesLeft, knowsItsLogChannel, world } from './world.mjs';

/** What the scripts do and look at, in one world. */
class Trapped {
  constructor({ sim, bot, places, administrator }) {
    Object.assign(this, { sim, bot, places, administrator, guild: places.servers[0].id });
    this.people = places.servers[0].members.filter(({ id }) => id !== places.servers[0].owner && id !== places.bot).map(({ id }) => id);
    this.corrections = 0;
  }
  fault(switches) {
    return this.sim.post('/faults', switches);
  }
  gateway(act, more = {}) {
    return this.sim.post('/discord/gateway', { do: act, ...more });
  }
  async answersWith(status) {
    return (await this.sim.get('/discord/answers'))[status] ?? 0;
  }
  /** Somebody joins and leaves: an event that has to be noted once, whatever happens to it on its way. */
  async comeAndGo() {
    const { user } = await this.sim.post('/discord/member-join', { guild: this.guild });
    await this.sim.post('/discord/member-leave', { guild: this.guild, user });
    this.joined ??= new Map();
    this.joined.set(user, (this.joined.get(user) ?? 0) + 1);
  }
  async noted() {
    const rows = await this.bot.query(`SELECT operation_id FROM activity WHERE kind = 'member_joined' AND discord_server_id = ${this.guild}`);
    const times = new Map();
    for (const { operation_id: id } of rows) times.set(id.split(':')[1], (times.get(id.split(':')[1]) ?? 0) + 1);
    return times;
  }
  /** Everybody who came is noted as often as he came. */
  async missesNothing() {
    await until('everybody who came to be noted', async () => {
      const noted = await this.noted();
      return [...this.joined].every(([user, times]) => (noted.get(user) ?? 0) >= times);
    }, 60);
    const noted = await this.noted();
    for (const [user, times] of this.joined) assert.equal(noted.get(user), times, `${user} was noted too often`);
  }
  /** The bot hears of a command and answers it. */
  async answers() {
    await until('a command to be answered', async () => {
      const { interaction: id } = await this.sim.post('/discord/command', { guild: this.guild, user: this.people[0], name: 'points' });
      for (let i = 0; i < 60; i += 1) {
        const [{ state }] = await this.sim.get(`/discord/interactions?id=${id}`);
        if (state === 'answered') return true;
        if (state === 'dead') return false;
        await sleep(50);
      }
      return false;
    }, 60);
  }
  /** A correction, which is booked and announced in the log channel. */
  async correct() {
    this.corrections += 1;
    const reason = `trap ${this.corrections}`;
    await this.sim.post('/discord/command', { ...this.administrator[0], name: 'points-add', options: { user: this.people[0], amount: 1, reason } });
    return reason;
  }
  async announced(reason) {
    return (await this.sim.get(`/discord/messages?guild=${this.guild}`)).filter(({ content }) => content.endsWith(`: ${reason}`)).length;
  }
  async booked(reason) {
    return (await this.bot.query(`SELECT count(*) AS n FROM ledger WHERE kind = 'admin_adjust' AND reason = '${reason}'`))[0].n;
  }
  async state(guild) {
    return (await this.bot.query(`SELECT state FROM servers WHERE discord_server_id = ${guild}`))[0].state;
  }
  async restart(signal) {
    await this.bot.process.stop(signal);
    await this.comeAndGo();
    this.bot.begin();
    await this.bot.ready();
  }
}

/** Traps of a session that goes on. */
export const resuming = {
  '1, 2: a storm of reconnects and every kind of close spends no session and loses nothing': async (it) => {
    const before = await identifiesLeft(it.sim);
    await it.fault({ gateway_reconnects: 4, gateway_early_reconnects: 1 });
    await it.gateway('reconnect');
    await it.comeAndGo();
    await until('the storm to be over', async () => (await it.sim.get('/faults')).gateway_reconnects === 0, 60);
    for (const code of [4000, 1001, 0]) {
      await it.gateway('close', { code });
      await it.comeAndGo();
      await it.answers();
    }
    await it.missesNothing();
    assert.equal(await identifiesLeft(it.sim), before, 'a session was begun anew');
  },
  '2, 6: a dead connection is left, and what it says afterwards changes nothing': async (it) => {
    const before = await identifiesLeft(it.sim);
    await it.fault({ gateway_beat_ms: 1_000 });
    await it.gateway('close', { code: 4000 });
    await it.answers();
    await it.gateway('zombie');
    await it.comeAndGo();
    await it.missesNothing();
    await it.fault({ gateway_zombies: 1 });
    await it.gateway('close', { code: 4000 });
    await it.comeAndGo();
    await until('a connection to be dead from its greeting on', async () => (await it.sim.get('/faults')).gateway_zombies === 0);
    await it.comeAndGo();
    await it.missesNothing();
    await it.fault({ gateway_beat_ms: 0 });
    await it.gateway('reconnect');
    await it.answers();
    assert.equal(await identifiesLeft(it.sim), before, 'a session was begun anew');
  },
  '2: a replay that begins too early or breaks off is made whole, and nothing is done twice': async (it) => {
    await it.fault({ gateway_replay_overlap: 20, gateway_cut_replays: 1, gateway_later_resumes: 1 });
    await it.gateway('close', { code: 4000 });
    for (let i = 0; i < 5; i += 1) await it.comeAndGo();
    await it.missesNothing();
    const { gateway_cut_replays: cut, gateway_later_resumes: later } = await it.sim.get('/faults');
    assert.deepEqual([cut, later], [0, 0], 'each was met');
    await it.fault({ gateway_replay_overlap: 0 });
  },
  '5: a restart resumes, planned or not': async (it) => {
    const before = await identifiesLeft(it.sim);
    await it.restart('SIGTERM');
    await it.missesNothing();
    await it.restart('SIGKILL');
    await it.missesNothing();
    assert.equal(await identifiesLeft(it.sim), before, 'a session was begun anew');
  },
};

/** Traps of a session that is over, and of what is told and answered within one. */
export const beginning = {
  '3: a refused session is forgotten, and the next one can be resumed': async (it) => {
    await it.fault({ gateway_refuse_resumes: true });
    await it.gateway('close', { code: 4000 });
    await it.answers();
    await it.fault({ gateway_refuse_resumes: false });
    const before = await identifiesLeft(it.sim);
    await it.gateway('close', { code: 4000 });
    await it.comeAndGo();
    await it.missesNothing();
    assert.equal(await identifiesLeft(it.sim), before, 'the new session was not resumed');
  },
  '4: an invalid session is heard in every state': async (it) => {
    await it.fault({ gateway_early_invalid: 1, gateway_refuse_identifies: 1 });
    await it.gateway('invalid-session');
    await it.answers();
    const { gateway_early_invalid: early, gateway_refuse_identifies: refused } = await it.sim.get('/faults');
    assert.deepEqual([early, refused], [0, 0], 'each was met');
    await it.gateway('resumable-invalid-session');
    await it.comeAndGo();
    await it.answers();
    await it.missesNothing();
  },
  '7, 8: a start into an outage takes nothing away, and a start greets nobody': async (it) => {
    const out = it.places.servers[1].id;
    await it.sim.post('/discord/outage', { guild: out });
    await it.fault({ gateway_dead_guild: true });
    const posted = (await it.sim.get('/witness')).posted;
    for (const created of [false, true]) {
      await it.fault({ gateway_outage_creates: created });
      await it.gateway('invalid-session');
      await it.answers();
      assert.equal(await it.state(out), 'active');
    }
    await it.sim.post('/discord/outage-end', { guild: out });
    await it.fault({ gateway_dead_guild: false, gateway_outage_creates: false });
    await it.answers();
    assert.equal(await it.state(out), 'active');
    assert.equal((await it.sim.get('/witness')).posted, posted, 'somebody was greeted');
  },
  '9: an update of a server takes nothing of it away': async (it) => {
    await it.sim.post('/discord/guild-update', { guild: it.guild, name: 'Another Harbor' });
    await until('the name to be known', async () => (await it.bot.commandJson('server', 'list')).servers.some(({ name }) => name === 'Another Harbor'));
    const reason = await it.correct();
    await until('the owner to be obeyed', async () => (await it.booked(reason)) === 1);
    await until('the log channel to be written in', async () => (await it.announced(reason)) === 1);
  },
  '10: each kind of limit is waited for, and met once': async (it) => {
    const before = await it.answersWith(429);
    await it.fault({ discord_user_429: 1, discord_shared_429: 1, discord_global_429: 1, discord_cdn_429: 1 });
    const reason = await it.correct();
    await until('the announcement', async () => (await it.announced(reason)) === 1, 60);
    assert.equal((await it.answersWith(429)) - before, 4, 'limits were run into again and again');
  },
  '12: a channel that may not be written in is left in peace until that changes': async (it) => {
    const channel = it.places.servers[0].channels.find(({ name }) => name === 'raffles').id;
    const before = await it.answersWith(403);
    await it.sim.post('/discord/overwrite', { guild: it.guild, channel, id: it.places.bot, deny: '2048' });
    const reasons = [];
    for (let i = 0; i < 8; i += 1) reasons.push(await it.correct());
    await until('all to be booked', async () => (await Promise.all(reasons.map((one) => it.booked(one)))).every((n) => n === 1));
    await it.answers();
    const refused = (await it.answersWith(403)) - before;
    assert.ok(refused <= 2, `asked ${refused} times for what is refused`);
    for (const reason of reasons) assert.equal(await it.announced(reason), 0);
    await it.sim.post('/discord/overwrite', { guild: it.guild, channel, id: it.places.bot, allow: '2048' });
    const [{ id: guild, owner, members }] = it.places.servers;
    await knowsItsLogChannel(it.sim, { id: guild, owner, members });
  },
  '13: what is told twice is answered and done once': async (it) => {
    const before = await it.answersWith(400);
    await it.fault({ gateway_duplicates: true, gateway_numeric_ids: true });
    const reason = await it.correct();
    await it.comeAndGo();
    await until('the announcement', async () => (await it.announced(reason)) === 1);
    await it.answers();
    await it.missesNothing();
    await it.fault({ gateway_duplicates: false, gateway_numeric_ids: false });
    assert.equal(await it.booked(reason), 1);
    assert.equal(await it.announced(reason), 1);
    assert.equal(await it.answersWith(400), before, 'something was answered twice');
  },
  '13: what was done and answered with an error is not done again': async (it) => {
    await it.fault({ discord_slow_ms: 300, discord_posted_5xx: 1 });
    const reason = await it.correct();
    await until('the announcement', async () => (await it.announced(reason)) > 0);
    await it.fault({ discord_slow_ms: 0 });
    const next = await it.correct();
    await until('the next announcement', async () => (await it.announced(next)) === 1, 60);
    assert.equal(await it.announced(reason), 1);
    assert.equal((await it.sim.get('/faults')).discord_posted_5xx, 0);
  },
  '16: Discord is down, answers with pages, and comes back': async (it) => {
    await it.fault({ discord_down: true });
    await it.gateway('close', { code: 0 });
    await it.comeAndGo();
    await sleep(1_000);
    assert.equal((await http('GET', `${it.bot.url}/healthz`)).status, 200);
    await it.fault({ discord_down: false, discord_5xx: 4, discord_cdn_403: 1 });
    await it.answers();
    await it.missesNothing();
  },
};

/** A test with one for each of those scripts. */
export const traps = (scripts) => async (t) => {
  const it = new Trapped(await world(t, { members: false }));
  await it.answers();
  for (const [name, script] of Object.entries(scripts)) {
    let went = false;
    await t.test(name, async () => {
      await script(it);
      went = true;
    });
    if (!went) return; // the others begin where this one would have ended
  }
  assert.equal((await it.sim.get('/healthz')).shards_served_twice, 0, 'two connections served one shard');
};
