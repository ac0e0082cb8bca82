import { beforeEach, describe, expect, it } from 'vitest';

import de from './de.json';
import en from './en.json';
import { language } from './language.svelte';
import { named, pieces, plural, t } from './text';

const catalogues: [string, Record<string, string>][] = [
  ['en', en],
  ['de', de],
];

function argumentsOf(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort();
}

describe('the catalogues', () => {
  it('have the same keys', () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
  });

  it('take the same arguments', () => {
    for (const [key, text] of Object.entries(en)) {
      expect(argumentsOf((de as Record<string, string>)[key]!), key).toEqual(argumentsOf(text));
    }
  });

  it.each(catalogues)('leave no text of %s empty', (_, catalogue) => {
    for (const [key, text] of Object.entries(catalogue)) expect(text.trim(), key).not.toBe('');
  });

  it.each(catalogues)('have both forms of every text of %s that depends on a number', (_, catalogue) => {
    const bases = Object.keys(catalogue).filter((key) => /_(one|other)$/.test(key));
    for (const key of bases) expect(catalogue).toHaveProperty([key.replace(/one$|other$/, 'one')]);
    for (const key of bases) expect(catalogue).toHaveProperty([key.replace(/one$|other$/, 'other')]);
  });
});

describe('a text', () => {
  beforeEach(() => language.choose('en'));

  it('is written in the chosen language, with its numbers', () => {
    expect(plural('servers.count', 1234)).toBe('1,234 servers');
    expect(plural('servers.viewers', 1)).toBe('1 viewer now');
    language.choose('de');
    expect(plural('servers.count', 1234)).toBe('1.234 Server');
    expect(t('session.sign_out')).toBe('Abmelden');
  });

  it('keeps an argument whole, even one that looks like a place for an argument', () => {
    expect(pieces('activity.stream_live', { name: '{name}' })).toEqual([
      { text: '' },
      { text: '{name}', argument: 'name' },
      { text: ' went live' },
    ]);
  });

  it('is made of the name when the program knows more than the page', () => {
    expect(named('setting', 'kick_channel')).toBe('Kick channel');
    expect(named('setting', 'something_new')).toBe('Something new');
    expect(named('setting', 'constructor')).toBe('Constructor');
  });
});
