// The pictures of README and guides: a server of a demo whose world has lived for some hours, while it is live; and a bot
// that nobody has set up yet.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, until } from '../support/guildhall.mjs';
import { figure, openBrowser, Visitor } from './browser.mjs';
import { Demo } from './demo.mjs';
import { cast } from './evening.mjs';
import { FreshBot } from './fresh_bot.mjs';
import { consentAtKick, invited, message, PANEL, proved, signedIn } from './platforms.mjs';

const SECONDS = 40;
const MARGIN = 12;
const WHOEVER = { after: () => undefined }; // leaves when the browser is closed
const PICTURES = [
  { name: 'overview-light', colorScheme: 'light', width: 1160, height: 860 },
  { name: 'overview-dark', colorScheme: 'dark', width: 1160, height: 860 },
  { name: 'phone', colorScheme: 'light', width: 360, height: 1090 },
];

async function take(page, folder, { name, colorScheme, width, height }) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme });
  await until('a moment while the stream is live', async () => {
    const live = await page.locator('main').getByText('Live', { exact: true }).count();
    return live > 0 && Number(await figure(page, 'Viewers now').innerText()) >= 3;
  });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** A part of the page with a little around it. */
async function takePart(page, part, folder, name) {
  const { x, y, width, height } = await part.boundingBox();
  const clip = { x: x - MARGIN, y: y - MARGIN, width: width + 2 * MARGIN, height: height + 2 * MARGIN };
  await page.screenshot({ path: join(folder, `${name}.png`), clip });
}

/** An owner connects the channel of a server that nobody has set up yet. */
async function takeConnecting(world, { server, channel, owner }, folder) {
  const { page } = await signedIn(WHOEVER, world, owner, `/servers/${server.id}`);
  await page.setViewportSize({ width: 900, height: 700 });
  const button = page.getByRole('button', { name: 'Connect Kick' });
  await button.waitFor();
  await page.locator('.uplot, .empty').first().waitFor();
  await takePart(page, page.locator('section', { has: button }).last(), folder, 'connect-kick');
  await button.click();
  await consentAtKick(page, channel);
  await page.getByText('Connected to Kick as').waitFor();
  await page.goto('/channels');
  await page.locator('.scopes li').first().waitFor();
  await page.setViewportSize({ width: 860, height: 590 });
  await page.screenshot({ path: join(folder, 'my-channels.png') });
}

/** What a member is shown who has pressed the panel's button, and at the end; and who proves an account that is his by then. */
async function takeLinking(world, { server, general }, [member, another], [viewer], folder) {
  await world.demo.command('settings', 'set', '--server', server.id, 'link_panel_channel_id', general);
  const panel = await message(world.demo, server, general, PANEL);
  const address = () => invited(world.demo, server, panel, member);
  const shoot = async (page, name) => {
    await page.setViewportSize({ width: 640, height: 520 });
    await takePart(page, page.locator('main'), folder, name);
  };
  const visitor = await Visitor.arrive(world);
  const page = await visitor.open(await address());
  await page.getByRole('button').waitFor();
  await shoot(page, 'link-page');
  await shoot((await proved(WHOEVER, world, await address(), viewer)).page, 'link-done');
  const taken = await invited(world.demo, server, panel, another);
  await shoot((await proved(WHOEVER, world, taken, viewer)).page, 'link-taken');
}

async function takeFreshBot(browser, folder) {
  const demo = await FreshBot.start(30);
  const { places: [place], members, viewers } = cast(await demo.look('/world'));
  await demo.act('/discord/guild-update', { guild: place.server.id, owner: place.owner.id });
  const world = { browser, demo };
  await takeConnecting(world, place, folder);
  await takeLinking(world, place, members, viewers, folder);
  await demo.stop();
}

/** What the operator of the demo has set up, and what not. */
async function takeSetup(page, folder) {
  await page.setViewportSize({ width: 860, height: 840 });
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/setup');
  await page.locator('main li').first().waitFor();
  await page.screenshot({ path: join(folder, 'setup-light.png') });
}

export async function takeScreenshots(folder) {
  mkdirSync(folder, { recursive: true });
  const demo = await Demo.start({ speed: 600, rate: 10 });
  const browser = await openBrowser();
  const [server] = (await demo.commandJson('server', 'list')).servers;
  const visitor = await Visitor.arrive({ browser, demo }, { reducedMotion: 'reduce' });
  const page = await visitor.open(demo.address);
  await page.getByRole('heading', { name: 'Servers' }).waitFor();
  await sleep(SECONDS * 1000);
  await page.goto(`/servers/${server.id}`);
  await page.locator('.uplot').waitFor();
  for (const picture of PICTURES) await take(page, folder, picture);
  await takeSetup(page, folder);
  await demo.stop();
  await takeFreshBot(browser, folder);
  await browser.close();
}
