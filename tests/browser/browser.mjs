// Chromium, and a visitor: one browser of one person, whose pages are watched.
import assert from 'node:assert/strict';
import axe from 'axe-core';
import { chromium } from 'playwright-core';
import { temporaryFolder } from '../support/guildhall.mjs';

const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

export function openBrowser() {
  const folder = temporaryFolder();
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: FLAGS,
    env: { ...process.env, HOME: folder, TMPDIR: folder },
  });
}

export class Visitor {
  /** A fresh browser of the world: no cookies, a zone that is not the servers'. */
  static async arrive({ browser, demo }, options = {}) {
    const visitor = new Visitor();
    visitor.demo = demo;
    visitor.problems = [];
    visitor.context = await browser.newContext({
      baseURL: demo.url,
      locale: 'en-US',
      timezoneId: 'America/New_York',
      viewport: { width: 1280, height: 900 },
      ...options,
    });
    visitor.context.setDefaultTimeout(15_000);
    visitor.context.on('page', (page) => visitor.#watch(page));
    return visitor;
  }

  /** A new tab at that path of the dashboard. */
  async open(path) {
    const page = await this.context.newPage();
    await page.goto(path);
    return page;
  }

  /** With a code of the command line; its address is that of a bot without `--listen`. */
  async signIn() {
    const { code } = await this.demo.commandJson('login-code');
    const page = await this.open(`/sign-in?code=${code}`);
    await page.getByRole('heading', { name: 'Servers' }).waitFor();
    this.calm('401 GET /api/v1/session');
    await page.close();
  }

  /** Nothing went wrong since the last call but what is named. */
  calm(...expected) {
    const unexpected = this.problems.filter((problem) => !expected.includes(problem));
    this.problems = [];
    assert.deepEqual(unexpected, []);
  }

  async closePages() {
    for (const page of this.context.pages()) await page.close();
    this.problems = [];
  }

  leave() {
    return this.context.close();
  }

  #watch(page) {
    page.on('console', (message) => {
      // The browser's own log of a failed request: `response` names the request as well.
      const own = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !own) this.problems.push(`console: ${message.text()}`);
    });
    page.on('response', (response) => {
      if (response.status() < 400) return;
      const { pathname } = new URL(response.url());
      this.problems.push(`${response.status()} ${response.request().method()} ${pathname}`);
    });
    page.on('pageerror', (error) => this.problems.push(`error: ${error.message}`));
    page.on('dialog', (dialog) => {
      this.problems.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }
}

/** What axe finds wrong with the page: rule and places. */
export async function violations(page) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => globalThis.axe.run());
  assert.ok(found.passes.length > 0, 'axe looked at nothing');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target).join(', ')}`);
}

/** By how much the page is wider than the window. */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

/** The value of a figure by its name. */
export function figure(page, name) {
  return page.locator('dl > div', { has: page.locator('dt', { hasText: new RegExp(`^${name}$`) }) }).locator('dd');
}

/** Counts how often the page was loaded or left from now on. */
export function countNavigations(page) {
  let count = 0;
  page.on('framenavigated', (frame) => (count += frame === page.mainFrame() ? 1 : 0));
  return () => count;
}
