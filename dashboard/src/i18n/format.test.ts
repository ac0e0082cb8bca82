import { beforeEach, describe, expect, it } from 'vitest';

import { formatAgo, formatDateTime, formatMinutes, formatMoment, formatShort, formatTime } from './format';
import { language, preferredLanguage } from './language.svelte';

const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

describe('formats', () => {
  beforeEach(() => language.choose('en'));

  it('write minutes as hours and minutes, long times without the minutes', () => {
    expect(plain(formatMinutes(0))).toBe('0 min');
    expect(plain(formatMinutes(59))).toBe('59 min');
    expect(plain(formatMinutes(60))).toBe('1 hr');
    expect(plain(formatMinutes(725))).toBe('12 hr 5 min');
    expect(plain(formatMinutes(6_001))).toBe('100 hr');
  });

  it('write times in the zone that is asked for', () => {
    const summer = new Date('2026-07-01T22:30:00Z');
    language.choose('de');
    expect(formatTime(summer, 'Europe/Berlin')).toBe('00:30');
    expect(formatTime(summer, 'America/New_York')).toBe('18:30');
    expect(formatDateTime(summer, 'Europe/Berlin')).toBe('02.07.2026, 00:30');
  });

  it('fall back to UTC in a zone that the browser does not know', () => {
    language.choose('de');
    expect(formatTime(new Date('2026-07-01T22:30:00Z'), 'Mars/Olympus')).toBe('22:30');
  });

  it('name the day of a moment unless it is the present one in that zone', () => {
    language.choose('de');
    const now = new Date('2026-07-02T10:00:00Z');
    expect(formatMoment(new Date('2026-07-01T22:30:00Z'), now, 'Europe/Berlin')).toBe('00:30');
    expect(formatMoment(new Date('2026-07-01T22:30:00Z'), now, 'UTC')).toBe('01.07.2026, 22:30');
    expect(formatMoment(new Date('2025-07-02T09:00:00Z'), now, 'UTC')).toBe('02.07.2025, 09:00');
  });

  it('say how long ago, never in the future', () => {
    const now = new Date('2026-07-02T10:00:00Z');
    expect(formatAgo(new Date('2026-07-02T09:59:40Z'), now)).toBe('now');
    expect(formatAgo(new Date('2026-07-02T09:55:00Z'), now)).toBe('5 minutes ago');
    expect(formatAgo(new Date('2026-07-01T10:00:00Z'), now)).toBe('yesterday');
    expect(formatAgo(new Date('2026-07-02T10:00:30Z'), now)).toBe('now');
  });

  it('shorten from a million on', () => {
    expect(formatShort(999_999)).toBe('999,999');
    expect(formatShort(1_284_220)).toBe('1.28M');
  });
});

describe('the language', () => {
  it('is the stored one, else the first that the browser and we know, else English', () => {
    expect(preferredLanguage('de', ['en-GB'])).toBe('de');
    expect(preferredLanguage(null, ['fr', 'de-AT', 'en'])).toBe('de');
    expect(preferredLanguage('xx', ['fr'])).toBe('en');
  });
});
