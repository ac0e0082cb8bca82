// kill -9 between Kick's word and the commit of it: while a streamer's tokens are renewed, and while his consent becomes
// tokens. Kick has done its part then, and its answer is on its way, has just come or has just been kept.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { http, sleep, until } from '../support/guildhall.mjs';
import { layouts } from '../support/layouts.mjs';
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
    await until('the server to be told', async () => (await his.sim.get(`/discord/messages?guild=${his.server.id}`)).some(({ content }) => content.includes('taken back the consent')), 60);
    await his.connect();
    await his.speaks();
    assert.equal((await his.shown()).token_state, 'connected');
  });
});
