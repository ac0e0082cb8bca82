// `guildhall sim load`: the real bot under simulated load, and what the report says of it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '../support/guildhall.mjs';

test('a bot under load answers each command, and the report adds up', async () => {
  const { code, stdout, stderr } = await run(['sim', 'load', '--servers', '5', '--members', '4', '--rate', '300', '--seconds', '2', '--mix', 'messages=50,commands=30,members=10,others=10', '--json']);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  const told = Object.values(report.events).reduce((sum, count) => sum + count);
  assert.equal(told, 600);
  assert.equal(report.answers.missing, 0);
  assert.equal(report.answers.in_time, report.events.commands);
  assert.ok(report.events.commands > 100, stdout);
  assert.ok(report.answers.p50_ms > 0 && report.answers.p50_ms <= report.answers.p99_ms, stdout);
  assert.ok(report.bot.cpu_seconds > 0 && report.bot.resident_after > 1e6, stdout);
});

test('what cannot be measured is said at once', async () => {
  const mix = await run(['sim', 'load', '--mix', 'messages=50,commands=10']);
  assert.equal(mix.code, 2);
  assert.match(mix.stderr, /--mix: 'messages=50,commands=10' does not add up to 100/);
  const dead = await run(['sim', 'load', '--bot', 'sh -c "echo no token >&2; exit 3"']);
  assert.equal(dead.code, 1);
  assert.match(dead.stderr, /the bot ended with 3/);
  assert.match(dead.stderr, /no token/);
});
