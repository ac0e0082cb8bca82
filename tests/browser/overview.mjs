import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/guildhall.mjs';
import { figure } from './browser.mjs';

const number = (text) => Number(text.replaceAll(',', ''));

/** How many pixels of the chart have the colour that this custom property stands for. */
function pixelsOf(page, property) {
  return page.locator('.uplot canvas').evaluate((canvas, name) => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.color = `var(${name})`;
    const wanted = getComputedStyle(probe).color.match(/\d+/g).map(Number);
    probe.remove();
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4)
      count += wanted.every((value, channel) => data[i + channel] === value) && data[i + 3] === 255 ? 1 : 0;
    return count;
  }, property);
}

/** Keeps what is written on canvases, since the last time one was cleared. */
function recordLabels() {
  const context = CanvasRenderingContext2D.prototype;
  const { fillText, clearRect } = context;
  globalThis.labels = [];
  context.fillText = function (text, ...place) {
    globalThis.labels.push(text);
    return fillText.call(this, text, ...place);
  };
  context.clearRect = function (...place) {
    globalThis.labels = [];
    return clearRect.apply(this, place);
  };
}

function hourIn(zone, at) {
  const parts = new Intl.DateTimeFormat('en', {
    timeZone: zone,
    hourCycle: 'h23',
    hour: 'numeric',
    minute: 'numeric',
  }).formatToParts(at);
  const [hour, minute] = ['hour', 'minute'].map((type) => Number(parts.find((part) => part.type === type).value));
  return hour + minute / 60;
}

/** Of "8:00 PM", or of the day whose midnight it is; undefined of anything else. */
function hourOf(label) {
  if (/^[A-Z][a-z]{2} \d+$/.test(label)) return 0;
  const [, hour, minute, half] = /^(\d+):(\d+)\s(AM|PM)$/.exec(label) ?? [];
  if (hour === undefined) return undefined;
  return (Number(hour) % 12) + Number(minute) / 60 + (half === 'PM' ? 12 : 0);
}

export function overviewTests(world) {
  test('the first page shows the three servers', async () => {
    const page = await world.anna.open('/');
    const cards = page.locator('main li');
    await cards.nth(2).waitFor();
    assert.deepEqual((await cards.locator('h2').allInnerTexts()).sort(), world.servers.map(({ name }) => name).sort());
    await page.getByText(/^3 servers · \d live · [1-9]\d* viewers? now$/).waitFor();
    await cards.first().getByRole('link').click();
    await page.getByRole('heading', { level: 1, name: world.servers[0].name }).waitFor();
    world.anna.calm();
  });

  test('a server shows its stream, figures, events and people', async () => {
    const page = await world.anna.open(`/servers/${world.servers[0].id}`);
    await page.locator('main').getByText('Live', { exact: true }).waitFor();
    await page.getByText(/^Live since /).waitFor();
    await until('viewers', async () => number(await figure(page, 'Viewers now').innerText()) > 0);
    for (const name of ['Most points', 'Most watch time']) {
      const board = page.getByRole('table', { name });
      await board.locator('tbody tr').first().waitFor({ timeout: 45_000 });
      const values = (await board.locator('tbody td.number').allInnerTexts()).map(parseFloat);
      assert.ok(values[0] > 0, `${name}: ${values}`);
    }
    assert.ok((await page.getByRole('log', { name: 'Recent events' }).locator('li').count()) > 0);
    world.anna.calm();
  });

  test('the chart draws what its table says, in the colours of the scheme', async () => {
    const page = await world.anna.open(`/servers/${world.servers[0].id}`);
    await page.emulateMedia({ colorScheme: 'light' });
    await until('bars', async () => (await pixelsOf(page, '--accent')) > 50);
    const light = await pixelsOf(page, '--accent');
    // New figures would draw the chart anew in any case: they have to wait.
    await page.route(/\/points\/history/, () => undefined);
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
    await until('bars in the colour of the dark scheme', async () => (await pixelsOf(page, '--accent')) > light / 2);
    await page.unrouteAll();

    assert.ok(await page.getByText('Point at a bar for its figures').isVisible());
    await page.getByText('Show as table').click();
    const plotArea = await page.locator('.u-over').boundingBox();
    await page.mouse.move(plotArea.x + plotArea.width - 2, plotArea.y + plotArea.height / 2);
    const table = page.getByRole('table', { name: /^Points over time/ });
    await until('the bar and the row of the table to agree', async () => {
      const [when, credited, taken] = await table.locator('tbody tr').first().locator('td').allInnerTexts();
      const keys = await page.locator('.keys').innerText();
      return (
        number(credited) > 0 &&
        keys.includes(`${when} –`) &&
        keys.includes(`Credited ${credited}`) &&
        keys.includes(`Taken ${taken}`)
      );
    });
    world.anna.calm();
  });

  test('the chart has the times of the server, and fits a phone', async () => {
    const zone = 'Asia/Kathmandu'; // 5:45 ahead of UTC
    const server = world.servers[0].id;
    const page = await world.anna.context.newPage();
    await page.addInitScript(recordLabels);
    const answer = page.waitForResponse((response) => response.url().endsWith(`/api/v1/servers/${server}`));
    await page.goto(`/servers/${server}`);
    const now = new Date((await answer).headers().date);
    await page.locator('.uplot').waitFor();
    await world.demo.set(server, 'time_zone', zone);
    await until('times of the zone', async () => {
      const hours = (await page.evaluate(() => globalThis.labels)).map(hourOf).filter((hour) => hour !== undefined);
      // The world's time goes on meanwhile, and may have come to its next hour.
      const behind = (hourIn(zone, now) + 1 - hours.at(-1) + 24) % 24;
      return hours.every(Number.isInteger) && behind < 6;
    });
    await page.setViewportSize({ width: 360, height: 780 });
    await until('the chart to shrink', async () => (await page.locator('.uplot').boundingBox()).width < 330);
    await world.demo.command('settings', 'unset', '--server', server, 'time_zone');
    world.anna.calm();
  });
}
