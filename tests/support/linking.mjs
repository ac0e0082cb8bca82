// A member's way from the panel to Kick and back, in a browser of his own that runs no script.
import assert from 'node:assert/strict';
import { http, until } from './guildhall.mjs';

/** What somebody's press or command was answered. */
export async function answered(sim, interaction) {
  const record = await until('an answer', async () => {
    const [found] = await sim.get(`/discord/interactions?id=${interaction}`);
    return found.answer?.content ? found : null;
  });
  return record.answer;
}

export const title = (page) => /<h1>(.*?)<\/h1>/.exec(page.text)[1];

export class Way {
  constructor(visitor) {
    Object.assign(this, visitor);
  }

  /** He presses the panel's button, and opens the address that he alone is shown. */
  static async begin(sim, server, member) {
    const panel = await until('the panel', async () => (await sim.get(`/discord/messages?guild=${server}`)).findLast(({ content }) => content.includes('**Link your Kick account**')), 60);
    const [{ components: [button] }] = panel.components;
    const { interaction } = await sim.post('/discord/click', { guild: server, message: panel.id, user: member, custom_id: button.custom_id });
    const answer = await answered(sim, interaction);
    assert.equal(answer.flags & 64, 64, 'everybody sees the address');
    const { url } = answer.components[0].components[0];
    const page = await http('GET', url);
    assert.equal(page.status, 200, page.text);
    return new Way({ url, page, cookie: page.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ') });
  }

  /** From the page on to Kick, where he says that he is that viewer: the way back. */
  async prove(viewer) {
    const form = `key=${this.#field('key')}&do=${this.#field('do')}`;
    const headers = { cookie: this.cookie, 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' };
    const onward = await http('POST', this.url, form, headers);
    const address = /url=([^"]+)"/.exec(onward.text)[1].replaceAll('&amp;', '&');
    assert.equal(new URL(address).searchParams.get('scope'), 'user:read');
    const consent = await http('GET', `${address}&as=${viewer.slug}`);
    return consent.headers.get('location');
  }

  /** He follows that way: where he comes out. */
  async comeBack(location) {
    return (await this.open(location)).headers.get('location');
  }

  open(address) {
    return http('GET', address, undefined, { cookie: this.cookie });
  }

  #field(name) {
    return new RegExp(`name="${name}" value="([^"]+)"`).exec(this.page.text)[1];
  }
}

/** The whole way: the page on which he ends. */
export async function link(sim, server, member, viewer) {
  const way = await Way.begin(sim, server, member);
  const where = await way.comeBack(await way.prove(viewer));
  assert.equal(new URL(where, way.url).href, way.url);
  return way.open(way.url);
}
