// The README's pictures: a server of a demo whose world has lived for some hours, while it is live.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sleep, until } from '../support/guildhall.mjs';
import { figure, openBrowser, Visitor } from './browser.mjs';
import { Demo } from './demo.mjs';

const SECONDS = 40;
const PICTURES = [
  { name: 'overview-light', colorScheme: 'light', width: 1280, height: 925 },
  { name: 'overview-dark', colorScheme: 'dark', width: 1280, height: 925 },
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

/** What a member is shown who has pressed the panel's button. */
async function takeLinkPage(demo, { id: guild }, visitor, folder) {
  const { servers, bot } = await demo.look('/world');
  const { owner, members } = servers.find(({ id }) => id === guild);
  const user = members.find(({ id }) => id !== owner && id !== bot).id;
  const { interaction } = await demo.act('/discord/command', { guild, user, name: 'link' });
  const { answer } = await until('an answer to /link', async () => {
    const [found] = await demo.look(`/discord/interactions?id=${interaction}`);
    return found.answer?.components?.length > 0 ? found : null;
  });
  const page = await visitor.context.browser().newPage({ viewport: { width: 640, height: 520 } });
  await page.goto(answer.components[0].components[0].url);
  await page.getByRole('button').waitFor();
  await page.screenshot({ path: join(folder, 'link-page.png') });
}

/** What the operator of the demo has set up, and what not. */
async function takeSetup(page, folder) {
  await page.setViewportSize({ width: 900, height: 1010 });
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
  await takeLinkPage(demo, server, visitor, folder);
  await takeSetup(page, folder);
  await browser.close();
  await demo.stop();
}
