// What people press and read on the simulated platforms. `demo`: who has `look` and `act` of them.
import assert from 'node:assert/strict';
import { until } from '../support/guildhall.mjs';
import { Visitor } from './browser.mjs';

export const PANEL = '**Link your Kick account**';

/** The newest message of that channel that says so. */
export function message(demo, server, channel, words) {
  return until(`a message with "${words}"`, async () => {
    const found = await demo.look(`/discord/messages?guild=${server.id}&channel=${channel}`);
    return found.findLast(({ content }) => content.includes(words));
  });
}

export function direct(demo, user, words) {
  return until(`a direct message with "${words}"`, async () => {
    const found = await demo.look(`/discord/messages?user=${user.id}`);
    return found.findLast(({ content }) => content.includes(words));
  });
}

export const buttonsOf = ({ components }) => components.flatMap((row) => row.components);

/** The address that the panel's button gives this member, and nobody else sees. */
export async function invited(demo, server, panel, user) {
  const [button] = buttonsOf(panel);
  const press = { guild: server.id, message: panel.id, user: user.id, custom_id: button.custom_id };
  const { interaction } = await demo.act('/discord/click', press);
  const { answer } = await until('an answer to the press', async () => {
    const [found] = await demo.look(`/discord/interactions?id=${interaction}`);
    return found.answer?.components?.length > 0 ? found : null;
  });
  assert.equal(answer.flags & 64, 64, 'he alone sees it');
  return buttonsOf(answer)[0].url;
}

/** In front of Kick's question who he is, he says that he is that one. */
export async function consentAtKick(page, { slug }) {
  await page.getByRole('heading', { name: 'Simulated Kick' }).waitFor();
  await page.locator(`a[href*="as=${slug}"]`).first().click();
}

/** A fresh browser that has gone to Kick from that address, and come back as that viewer. */
export async function proved(t, world, address, viewer) {
  const visitor = await Visitor.arrive(world);
  t.after(() => visitor.leave());
  const page = await visitor.open(address);
  await page.getByRole('button', { name: /go on to Kick/ }).click();
  await page.getByRole('heading', { name: 'Simulated Kick' }).waitFor();
  assert.match(await page.locator('body').innerText(), /asks for: user:read$/m);
  await consentAtKick(page, viewer);
  await page.waitForURL(new RegExp('/link/'));
  return { visitor, page };
}

/** A fresh browser of somebody who has signed in with Discord, on the page that he wanted. */
export async function signedIn(t, world, { id }, path = '/') {
  const { visitor, page } = await atDiscord(t, world, path);
  await page.locator(`a[href*="as=${id}"]`).click();
  await page.waitForURL(world.demo.url + path);
  return { visitor, page };
}

/** Somebody in front of Discord's question who he is, on his way to that page. */
export async function atDiscord(t, world, path) {
  const visitor = await Visitor.arrive(world);
  t.after(() => visitor.leave());
  const page = await visitor.open(path);
  await page.getByRole('link', { name: 'Sign in with Discord' }).click();
  await page.getByRole('link', { name: 'Cancel' }).waitFor();
  assert.notEqual(new URL(page.url()).origin, world.demo.url);
  visitor.calm('401 GET /api/v1/session');
  return { visitor, page };
}
