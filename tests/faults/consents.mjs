// kill -9 between Kick's word and the commit of it: while a streamer's tokens are renewed, while his consent becomes tokens,
// and while a member's word becomes a link. Kick has done its part then, and its answer is on its way, has just come or has
// just been kept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http, sleep, until } from '../support/guildhall.mjs';
import { layouts, sum } from '../support/layouts.mjs';
import { answered, title, Way } from '../support/linking.mjs';
import { checkUnread } from '../support/secrets.mjs';
import { smallCount, world } from './world.mjs';

const kills = smallCount(4, 25);
const onItsWay = 250; // ms that Kick's answer takes
const forEver = 600_000; // likewise, where it is not to come

/** One channel of a world with no members at work, and what is done and seen there. */
class Consent {
  constructor({ sim, bot, api, places }, index) {
    Object.assign(this, { sim, bot, api, server: places.servers[index] });
    this.slug = this.server.suggested_kick_channel;
    const channel = places.kick_channels.find((one) => one.slug === this.slug);
    this.id = channel.broadcaster_user_id;
    this.viewer = channel.viewers.find((one) => !one.bot && one.slug !== this.slug).id;
  }
  slow(milliseconds) {
    return this.sim.post('/faults', { kick_oauth_slow_ms: milliseconds });
  }
  /** What Kick has made of his consents. */
  async atKick() {
    return (await this.sim.get('/kick/consents')).filter(({ user }) => user === this.id);
  }
  async renewals() {
    return (await this.atKick()).reduce((all, { renewals }) => all + renewals, 0);
  }
  /** The bot has to renew his tokens, and Kick has done so. */
  async renewedAtKick() {
    const before = await this.renewals();
    await this.sim.post('/kick/end-access', { user: this.id });
    await this.ask();
    await until('Kick to renew', async () => (await this.renewals()) > before);
  }
  ask() {
    return this.sim.post('/kick/chat', { slug: this.slug, user: this.viewer, content: '!points' });
  }
  /** The bot answers in his chat. */
  async speaks() {
    const before = (await this.sim.get(`/kick/chat?slug=${this.slug}`)).length;
    await until('the bot to speak', async () => {
      await this.ask();
      await sleep(400);
      return (await this.sim.get(`/kick/chat?slug=${this.slug}`)).length > before;
    }, 60);
  }
  /** What the dashboard shows of it; undefined: there is none. */
  async shown() {
    return (await this.api('GET', '/api/v1/channels')).json.channels.find(({ id }) => id === this.id);
  }
  async heard() {
    return (await this.api('GET', `/api/v1/servers/${this.server.id}`)).json.channel;
  }
  /** The way back from Kick, where he has consented just now. */
  async wayBack() {
    const { json } = await this.api('POST', `/api/v1/servers/${this.server.id}/kick/connect`, {});
    return (await http('GET', `${json.url}&as=${this.slug}`)).headers.get('location');
  }
  async connect() {
    const back = await this.api('GET', await this.wayBack());
    assert.equal(back.headers.get('location'), `/servers/${this.server.id}?connected=kick`);
  }
  async withdraw() {
    assert.equal((await this.api('DELETE', `/api/v1/channels/kick/${this.id}`)).status, 204);
    await until('Kick to be told', async () => (await this.atKick()).at(-1).revoked);
    await until('nothing to be left', async () => (await this.shown()) === undefined);
  }
  async killAndStart() {
    await this.bot.process.stop('SIGKILL');
    this.bot.begin();
    await this.bot.ready();
  }
  /** What it printed tells nothing that Kick gave, nor any of these addresses. */
  keptQuiet(addresses) {
    return checkUnread(this.sim, { 'what the bot printed': this.bot.printed() }, addresses);
  }
}

/** A member and a viewer who has earned something, in the server of such a channel. */
class Link extends Consent {
  constructor(parts, index) {
    super(parts, index);
    const closed = new Set(parts.places.users.filter(({ bot, closed_messages: shut }) => bot || shut).map(({ id }) => id));
    this.member = this.server.members.find(({ id }) => id !== this.server.owner && !closed.has(id)).id;
    const channel = parts.places.kick_channels.find((one) => one.slug === this.slug);
    this.account = channel.viewers.find(({ id }) => id === this.viewer);
  }
  /** The panel stands, and he has watched a stream that is over. */
  async prepare() {
    const panel = this.server.channels.find(({ name }) => name === 'general').id;
    await this.bot.command('settings', 'set', '--server', this.server.id, 'link_panel_channel_id', panel);
    await this.sim.post('/kick/live', { slug: this.slug });
    await until('points', async () => {
      await this.sim.post('/kick/chat', { slug: this.slug, user: this.viewer, content: 'hello' });
      await sleep(400);
      return (await this.points()).all > 0;
    }, 90);
    await this.sim.post('/kick/offline', { slug: this.slug });
    await this.settled();
  }
  /** What he watched to the end is counted and paid: minutes of the world have passed of which nothing is open. */
  async settled() {
    const seen = await until('the end to be heard', async () => {
      const [row] = await this.bot.query(`SELECT until_us FROM watch_conditions WHERE discord_server_id = ${this.server.id} AND kind = 'live' AND until_us IS NOT NULL`);
      return row;
    });
    await until('it to be settled', async () => {
      const [{ at }] = await this.bot.query(`SELECT settled_until AS at FROM watch_settlements WHERE discord_server_id = ${this.server.id}`);
      return Number(at) > Number(seen.until_us);
    }, 90);
    for (let paid = -1, now = await this.points(); paid !== now.all; now = await this.points()) {
      paid = now.all;
      await sleep(2_000); // a tick of the world, paid with the minutes
    }
  }
  begin() {
    return Way.begin(this.sim, this.server.id, this.member);
  }
  /** How often Kick has given what proves who he is. */
  async provedAtKick() {
    return (await this.sim.get('/kick/consents')).filter(({ user }) => user === this.viewer).length;
  }
  /** Of the viewer and the member together, and what of it is the member's. */
  async points() {
    const holder = 'i.discord_server_id = b.discord_server_id AND i.person_id = b.holder_id';
    const rows = await this.bot.query(`SELECT b.balance, (SELECT count(*) FROM identities i WHERE ${holder} AND i.platform_user_id = '${this.member}') AS his
      FROM balances b WHERE b.discord_server_id = ${this.server.id}
      AND EXISTS (SELECT 1 FROM identities i WHERE ${holder} AND i.platform_user_id IN ('${this.member}', '${this.viewer}'))`);
    return { all: sum(rows, 'balance'), his: sum(rows.filter(({ his }) => his === 1), 'balance') };
  }
  /** How many are not what the ledger comes to. */
  async wrongBalances() {
    const rows = await this.bot.query(`SELECT count(*) AS n FROM balances b WHERE b.balance <> (SELECT COALESCE(sum(l.amount), 0) FROM ledger l
      WHERE l.discord_server_id = b.discord_server_id AND l.unit = b.unit AND l.holder_id = b.holder_id)`);
    return sum(rows, 'n');
  }
  /** The links that hold. */
  async held() {
    return this.bot.query(`SELECT moved_points FROM links WHERE discord_server_id = ${this.server.id} AND undone_at IS NULL`);
  }
  async undo() {
    const { interaction } = await this.sim.post('/discord/command', { guild: this.server.id, user: this.member, name: 'unlink' });
    assert.match((await answered(this.sim, interaction)).content, /is undone/);
  }
}

const consentOf = async (t, index, options) => new Consent(await world(t, { members: false, ...options }), index);

describe("kill -9 between Kick's answer and the commit", { concurrency: 3 }, () => {
  for (const layout of layouts) {
    test(`of renewed tokens on ${layout.name}: nobody has to connect again`, { timeout: 600_000 }, async (t) => {
      const his = await consentOf(t, 2, { layout, faults: { kick_refresh_grace_seconds: 1_800, kick_oauth_slow_ms: onItsWay } });
      for (let i = 0; i < kills; i += 1) {
        await his.renewedAtKick();
        await sleep(i === 0 ? 0 : Math.random() * 2 * onItsWay);
        await his.killAndStart();
        await his.speaks();
        assert.equal((await his.shown()).token_state, 'connected');
      }
      await his.keptQuiet();
    });

    test(`of a consent on ${layout.name}: it holds or does not, and connecting again is all it takes`, { timeout: 600_000 }, async (t) => {
      const his = await consentOf(t, 2, { layout });
      let held = 0;
      for (let i = 0; i < kills; i += 1) {
        await his.withdraw();
        const location = await his.wayBack();
        const before = (await his.atKick()).length;
        await his.slow(onItsWay);
        const answer = his.api('GET', location).catch(() => undefined);
        await until('Kick to give tokens', async () => (await his.atKick()).length > before);
        await sleep(i === 0 ? 0 : Math.random() * 3 * onItsWay);
        await his.killAndStart();
        await answer;
        await his.slow(0);
        const [shown, heard] = [await his.shown(), await his.heard()];
        assert.deepEqual(shown?.servers.map(({ id }) => id), heard === null ? undefined : [his.server.id], 'half of a consent is there');
        held += shown === undefined ? 0 : 1;
        const again = await his.api('GET', location);
        assert.equal(again.headers.get('location'), '/?error=invalid', 'the way back led somewhere twice');
        await his.connect();
        assert.equal((await his.shown()).token_state, 'connected');
        await his.speaks();
      }
      assert.ok(held < kills, 'no kill met the consent on its way');
      await his.keptQuiet();
    });
  }

  for (const layout of layouts) {
    test(`of a link on ${layout.name}: it holds or does not, and linking again is all it takes`, { timeout: 600_000 }, async (t) => {
      const his = new Link(await world(t, { members: false, layout }), 2);
      await his.prepare();
      const { all } = await his.points();
      const addresses = [];
      let held = 0;
      for (let i = 0; i < kills; i += 1) {
        const way = await his.begin();
        addresses.push(way.url.slice(his.bot.url.length));
        const location = await way.prove(his.account);
        const before = await his.provedAtKick();
        await his.slow(onItsWay);
        const answer = way.open(location).catch(() => undefined);
        await until('Kick to say who he is', async () => (await his.provedAtKick()) > before);
        await sleep(i === 0 ? 0 : Math.random() * 3 * onItsWay);
        await his.killAndStart();
        await answer;
        await his.slow(0);
        const links = await his.held();
        assert.deepEqual(await his.points(), { all, his: links.length === 1 ? all : 0 }, 'half of a link is there');
        held += links.length;

        const again = await his.begin();
        await again.comeBack(await again.prove(his.account));
        assert.equal(title(await again.open(again.url)), `${his.account.username} is linked`);
        assert.deepEqual(await his.held(), [{ moved_points: all }]);
        assert.deepEqual(await his.points(), { all, his: all });
        await his.undo();
        assert.deepEqual(await his.points(), { all, his: 0 });
      }
      assert.ok(held < kills, 'no kill met the link on its way');
      assert.equal(await his.wrongBalances(), 0);
      await his.keptQuiet(addresses);
    });
  }

  test('of tokens that Kick renews once only: that is said, and connecting again is all it takes', { timeout: 300_000 }, async (t) => {
    const his = await consentOf(t, 2, { faults: { kick_single_use_refresh: true, kick_oauth_slow_ms: forEver } });
    await his.renewedAtKick();
    await his.bot.process.stop('SIGKILL');
    await his.slow(0);
    his.bot.begin();
    await his.bot.ready();
    await until('the bot to know', async () => {
      await his.ask();
      return (await his.shown()).token_state === 'revoked';
    });
    await until('the server to be told', async () => (await his.sim.get(`/discord/messages?guild=${his.server.id}`)).some(({ content }) => content.includes('no longer accepts the consent')), 60);
    await his.connect();
    await his.speaks();
    assert.equal((await his.shown()).token_state, 'connected');
  });
});
