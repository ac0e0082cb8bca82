// Every text of the page. Keys are dotted by room; arguments stand in the text as {name}; a text that
// depends on a number has two keys, ending in _one and _other.
import de from './de.json';
import en from './en.json';
import { formatNumber } from './format';
import { language, type Language } from './language.svelte';

export type Key = keyof typeof en;
export type PluralKey = Key extends infer K ? (K extends `${infer Base}_other` ? Base : never) : never;
export type Arguments = Record<string, string | number>;

const CATALOGUES: Record<Language, Record<Key, string>> = { en, de };

/** A piece of a text: fixed words, or an argument with its name. */
export interface Piece {
  text: string;
  argument?: string;
}

export function isKey(key: string): key is Key {
  return Object.hasOwn(en, key);
}

function written(value: string | number | undefined): string {
  return typeof value === 'number' ? formatNumber(value) : (value ?? '');
}

export function pieces(key: Key, args: Arguments = {}): Piece[] {
  const parts = CATALOGUES[language.current][key].split(/\{(\w+)\}/);
  return parts.map((part, index) =>
    index % 2 === 0 ? { text: part } : { text: written(args[part]), argument: part },
  );
}

export function t(key: Key, args: Arguments = {}): string {
  return pieces(key, args)
    .map((piece) => piece.text)
    .join('');
}

/** The key for that number in the present language. */
export function pluralKey(base: PluralKey, count: number): Key {
  const one = new Intl.PluralRules(language.current).select(count) === 'one';
  return `${base}_${one ? 'one' : 'other'}` as Key;
}

/** The number is the text's {count}. */
export function plural(base: PluralKey, count: number, args: Arguments = {}): string {
  return t(pluralKey(base, count), { count, ...args });
}

/** A name that the program may have learned later than this page: its text, else the name made readable. */
export function named(prefix: string, name: string): string {
  const key = `${prefix}.${name}`;
  if (isKey(key)) return t(key);
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
