// What nobody may read: neither in what the bot prints, nor in what it keeps.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Every code and token that Kick gave until now, and what is told besides, is in none of these texts: {name: text}. */
export async function checkUnread(sim, texts, besides = []) {
  const given = await sim.get('/kick/secrets');
  assert.ok(given.length > 0, 'Kick has given nothing');
  for (const [name, text] of Object.entries(texts)) {
    assert.ok(text.length > 0, `${name} is empty`);
    for (const secret of [...given, ...besides]) assert.ok(!text.includes(secret), `${name} tells ${secret}`);
  }
}

/** The files below a folder: {name: text}. */
export function filesOf(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map(({ parentPath, path, name }) => join(parentPath ?? path, name)).map((file) => [file, readFileSync(file, 'latin1')]);
  return Object.fromEntries(texts.filter(([, text]) => text.length > 0));
}
