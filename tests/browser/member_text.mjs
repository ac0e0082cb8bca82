import assert from 'node:assert/strict';
import { test } from 'node:test';
import { query, until } from '../support/guildhall.mjs';

const MARKUP = '<img src=x onerror=alert(1)>';

/** The Discord id of a member without a Kick account. */
async function unlinkedMember(dataDir, server) {
  const [{ member }] = await query(
    dataDir,
    `SELECT platform_user_id AS member FROM identities AS discord
     WHERE discord_server_id = ${server} AND platform = 'discord' AND NOT EXISTS
       (SELECT 1 FROM identities AS kick WHERE kick.discord_server_id = discord.discord_server_id
                                           AND kick.person_id = discord.person_id AND kick.platform = 'kick')
     LIMIT 1`,
  );
  return member;
}

export function memberTextTests(world) {
  test('text of members is shown as it is written: audit trail and settings', async () => {
    const { demo, anna } = world;
    const server = world.servers[0].id;
    const page = await anna.open(`/servers/${server}/audit`);
    await page.locator('tbody tr').first().waitFor();
    await demo.command(
      'member',
      'link',
      '--server',
      server,
      await unlinkedMember(demo.dataDir, server),
      'kick',
      MARKUP,
    );
    await page.getByRole('cell', { name: `kick ${MARKUP}` }).waitFor();
    await demo.set(server, 'watchtime_excluded', MARKUP);
    await page.getByRole('cell', { name: MARKUP, exact: true }).waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    await page.goto(`/servers/${server}/settings`);
    const field = page.locator('#watchtime_excluded');
    await until('the text in its field', async () => (await field.inputValue()) === MARKUP);
    await demo.command('settings', 'unset', '--server', server, 'watchtime_excluded');
    await until('the default', async () => (await field.inputValue()) === '');
    anna.calm();
  });

  test('text of members is shown as it is written: names of servers and people', async () => {
    const page = await world.anna.context.newPage();
    // What the bot answers, with every name replaced but those of features.
    await page.route(/\/api\/v1\/servers/, async (route) => {
      const response = await route.fetch();
      const names = /"name":"[^"]*"(?!,"enabled")/g;
      const body = (await response.text()).replaceAll(names, `"name":${JSON.stringify(MARKUP)}`);
      await route.fulfill({ response, body });
    });
    await page.goto('/');
    await page.getByRole('heading', { level: 2, name: MARKUP }).first().waitFor();
    await page.goto(`/servers/${world.servers[0].id}`);
    await page.getByRole('heading', { level: 1, name: MARKUP }).waitFor();
    for (const place of [page.getByRole('table', { name: 'Most points' }), page.getByRole('log')])
      await place.getByText(MARKUP).first().waitFor();
    assert.equal(await page.locator('main img').count(), 0);
    world.anna.calm();
  });
}
