// The dashboard as a person uses it: Debian's Chromium on the demo world of the real binary.
//
//   node run.mjs                              all tests (GUILDHALL_BIN names another binary)
//   GUILDHALL_SCREENSHOTS=DIR node run.mjs    only takes the pictures of the README and the guides
//
// The tests share one world and two signed-in browsers and run in this order. A test ends with
// `calm`: no console error, failed request, dialog or broken content policy but those that it names.
import { after, afterEach, before } from 'node:test';
import { openBrowser, Visitor } from './browser.mjs';
import { Demo } from './demo.mjs';
import { discordSignInTests } from './discord_sign_in.mjs';
import { eveningTests } from './evening.mjs';
import { takeScreenshots } from './screenshots.mjs';
import { linkingTests } from './linking.mjs';
import { liveTests } from './live.mjs';
import { memberTextTests } from './member_text.mjs';
import { outageTests } from './outage.mjs';
import { overviewTests } from './overview.mjs';
import { pageTests } from './pages.mjs';
import { settingsTests } from './settings.mjs';
import { signInTests } from './sign_in.mjs';

/** Filled by `before`: demo, browser, servers; `anna` and `ben`, two browsers that are signed in. */
const world = {};

function registerTests() {
  before(async () => {
    world.demo = await Demo.start({ speed: 30, rate: 60 });
    world.browser = await openBrowser();
    world.servers = (await world.demo.commandJson('server', 'list')).servers;
    world.anna = await Visitor.arrive(world);
    world.ben = await Visitor.arrive(world);
    await world.ben.signIn();
  });
  after(async () => {
    await world.browser?.close();
    await world.demo?.stop();
  });
  // The next test begins with no page open, and without what a failed one left behind.
  afterEach(async () => {
    await world.anna.closePages();
    await world.ben.closePages();
  });
  for (const register of [
    signInTests,
    overviewTests,
    liveTests,
    settingsTests,
    memberTextTests,
    pageTests,
    discordSignInTests,
    linkingTests,
    eveningTests,
    outageTests,
  ])
    register(world);
}

if (process.env.GUILDHALL_SCREENSHOTS) await takeScreenshots(process.env.GUILDHALL_SCREENSHOTS);
else registerTests();
