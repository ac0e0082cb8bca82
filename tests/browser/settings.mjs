import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../support/guildhall.mjs';

const KEY = 'points_per_5min';
const NAME = 'Points per 5 minutes';

/** The form of a setting on the page of all settings. */
function row(page, key) {
  return page.locator('li', { has: page.locator(`#${key}`) });
}

async function save(page, key, value) {
  await page.locator(`#${key}`).fill(value);
  await row(page, key).getByRole('button', { name: 'Save' }).click();
}

function shows(page, key, value) {
  return until(`${key} to show ${value}`, async () => (await page.locator(`#${key}`).inputValue()) === value);
}

export function settingsTests(world) {
  const address = () => `/servers/${world.servers[2].id}/settings`;
  const stored = async (key) => {
    const { value } = await world.demo.commandJson('settings', 'get', '--server', world.servers[2].id, key);
    return value;
  };

  test('a setting is saved, and the audit trail says who changed what', async () => {
    const page = await world.anna.open(address());
    await page.locator(`#${KEY}`).waitFor();
    await save(page, KEY, '7');
    await page.getByText(`Saved: ${NAME}`, { exact: true }).waitFor();
    await row(page, KEY).getByText('Set for this server').waitFor();
    assert.equal(await stored(KEY), '7');
    await page.getByRole('link', { name: 'Audit trail' }).click();
    const newest = page.locator('tbody tr').first();
    await newest.getByText(KEY).waitFor();
    const [, who, what, before, after] = await newest.locator('td').allInnerTexts();
    assert.match(who, /operator\s+Dashboard/);
    assert.match(what, /Setting changed\s+points_per_5min/);
    assert.deepEqual([before, after], ['not set', '7']);
    world.anna.calm();
  });

  test('a value that cannot be is refused beside its field and changes nothing', async () => {
    const page = await world.anna.open(address());
    await page.locator(`#${KEY}`).waitFor();
    await save(page, KEY, 'seven');
    await row(page, KEY).getByRole('alert').getByText('Must be a whole number').waitFor();
    assert.equal(await page.locator(`#${KEY}`).getAttribute('aria-invalid'), 'true');
    world.anna.calm();
    // What only the server can know.
    await save(page, 'time_zone', 'Mars/Olympus');
    await row(page, 'time_zone').getByRole('alert').waitFor();
    assert.equal(await page.locator('#time_zone').getAttribute('aria-invalid'), 'true');
    assert.deepEqual([await stored(KEY), await stored('time_zone')], ['7', 'UTC']);
    world.anna.calm(`400 PUT /api/v1/servers/${world.servers[2].id}/settings/time_zone`);
  });

  test('two tabs of one browser and another browser stay in step', async () => {
    const tabs = [await world.anna.open(address()), await world.anna.open(address()), await world.ben.open(address())];
    for (const [index, value] of ['11', '12', '13'].entries()) {
      await tabs[index].bringToFront();
      await save(tabs[index], KEY, value);
      for (const tab of tabs) {
        await tab.bringToFront();
        await shows(tab, KEY, value);
      }
    }
    world.anna.calm();
    world.ben.calm();
  });

  test('an edit of what somebody else has changed meanwhile asks which one to keep', async () => {
    const [mine, theirs] = [await world.anna.open(address()), await world.ben.open(address())];
    await mine.locator(`#${KEY}`).fill('21');
    await save(theirs, KEY, '22');
    const notice = row(mine, KEY).getByRole('alert');
    await notice.getByText('Somebody else changed this meanwhile').waitFor();
    assert.deepEqual(await notice.locator('dd').allInnerTexts(), ['22', '21']);
    assert.equal(await stored(KEY), '22');
    await notice.getByRole('button', { name: 'Save mine' }).click();
    await shows(theirs, KEY, '21');
    assert.equal(await stored(KEY), '21');

    await theirs.locator(`#${KEY}`).fill('23');
    await save(mine, KEY, '24');
    await row(theirs, KEY).getByRole('button', { name: 'Keep what is set' }).click();
    await shows(theirs, KEY, '24');
    assert.equal(await stored(KEY), '24');
    world.anna.calm();
    world.ben.calm();
  });

  test('the server refuses a change of a value that the page has not seen', async () => {
    const page = await world.anna.open(address());
    await page.locator(`#${KEY}`).fill('31');
    // As if the stream of changes were late: the page keeps the list that it has until it has asked to save.
    const listed = `**/api/v1/servers/${world.servers[2].id}/settings`;
    let held;
    await page.route(listed, (route) => (held = route));
    await world.demo.set(world.servers[2].id, KEY, '32');
    await row(page, KEY).getByRole('button', { name: 'Save' }).click();
    await until('the page to ask for the list', () => held);
    await held.continue();
    await page.unroute(listed);
    await row(page, KEY).getByText('Somebody else changed this meanwhile').waitFor();
    assert.equal(await stored(KEY), '32');
    world.anna.calm(`409 PUT /api/v1/servers/${world.servers[2].id}/settings/${KEY}`);
  });

  test('a value that is entered before the answer to the one before it is saved too', async () => {
    const page = await world.anna.open(address());
    const field = page.locator(`#${KEY}`);
    const changes = `**/api/v1/servers/${world.servers[2].id}/settings/${KEY}`;
    let held;
    await page.route(changes, async (route) => (held = { route, response: await route.fetch() }), { times: 1 });
    await field.fill('33');
    await page.keyboard.press('Enter');
    await until('the answer to be held', () => held);
    await field.fill('34');
    await page.keyboard.press('Enter');
    await held.route.fulfill({ response: held.response });
    await until('the second value to be stored', async () => (await stored(KEY)) === '34');
    world.anna.calm();
  });

  test('a setting is reached and changed with the keyboard alone', async () => {
    const page = await world.anna.open(address());
    await page.locator(`#${KEY}`).waitFor();
    const { keyboard } = page;
    const focused = (selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted), selector);
    const tabTo = async (selector) => {
      for (let presses = 0; presses < 40; presses += 1) {
        await keyboard.press('Tab');
        if (await focused(selector)) return;
      }
      assert.fail(`40 times Tab did not reach ${selector}`);
    };
    await keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
    await keyboard.press('Enter');
    await tabTo(`#${KEY}`);
    await keyboard.press('Control+A');
    await keyboard.type('41');
    await keyboard.press('Enter');
    await until('the value to be stored', async () => (await stored(KEY)) === '41');
    assert.ok(await focused(`#${KEY}`), 'the focus stays in the field');
    // Stored is not answered yet: until then the button is closed, and Tab would go past it.
    const reset = row(page, KEY).getByRole('button', { name: 'Use the default' });
    await until('the button to be open', () => reset.isEnabled());
    await tabTo(`li:has(#${KEY}) form button`);
    await keyboard.press('Enter');
    await until('the default to be back', async () => (await stored(KEY)) === '1');
    await until('the focus to return to the field', () => focused(`#${KEY}`));
    await keyboard.press('Tab');
    world.anna.calm();
  });
}
