// Numbers and times in the page's language, times in the zone that the caller names.
import { language } from './language.svelte';

const formatters = new Map<string, unknown>();

/** Making a formatter is slow; there are few different ones. */
function kept<T>(key: string, make: (tag: string) => T): T {
  const tag = language.tag;
  const id = `${tag} ${key}`;
  if (!formatters.has(id)) formatters.set(id, make(tag));
  return formatters.get(id) as T;
}

export function formatNumber(value: number): string {
  return kept('number', (tag) => new Intl.NumberFormat(tag)).format(value);
}

/** For narrow places: 1.28M; under a million as it is. */
export function formatShort(value: number): string {
  if (Math.abs(value) < 1_000_000) return formatNumber(value);
  const options = { notation: 'compact', maximumFractionDigits: 2 } as const;
  return kept('short', (tag) => new Intl.NumberFormat(tag, options)).format(value);
}

/** With its sign, for changes. */
export function formatChange(value: number): string {
  return kept('change', (tag) => new Intl.NumberFormat(tag, { signDisplay: 'exceptZero' })).format(value);
}

/** Short, for axes: 12K. */
export function formatCompact(value: number): string {
  return kept('compact', (tag) => new Intl.NumberFormat(tag, { notation: 'compact' })).format(value);
}

function formatUnit(value: number, unit: 'hour' | 'minute'): string {
  const options = { style: 'unit', unit, unitDisplay: 'short' } as const;
  const text = kept(unit, (tag) => new Intl.NumberFormat(tag, options)).format(value);
  return text.replaceAll(' ', '\u00a0');
}

/** "45 min", "12 hr 5 min"; from 100 hours on without the minutes. Breaks between the two only. */
export function formatMinutes(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return formatUnit(rest, 'minute');
  if (rest === 0 || hours >= 100) return formatUnit(hours, 'hour');
  return `${formatUnit(hours, 'hour')} ${formatUnit(rest, 'minute')}`;
}

/** A browser may not know a zone that the server knows. */
export function knownZone(zone: string): string {
  return kept(`zone ${zone}`, () => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
    } catch {
      return 'UTC';
    }
  });
}

function formatDate(at: Date, zone: string, options: Intl.DateTimeFormatOptions): string {
  const timeZone = knownZone(zone);
  const key = `${timeZone} ${JSON.stringify(options)}`;
  return kept(key, (tag) => new Intl.DateTimeFormat(tag, { ...options, timeZone })).format(at);
}

export function formatTime(at: Date, zone: string): string {
  return formatDate(at, zone, { timeStyle: 'short' });
}

export function formatDay(at: Date, zone: string): string {
  return formatDate(at, zone, { day: 'numeric', month: 'short' });
}

export function formatDateTime(at: Date, zone: string): string {
  return formatDate(at, zone, { dateStyle: 'medium', timeStyle: 'short' });
}

/** The time alone if it is of the same day in that zone, else with its date. */
export function formatMoment(at: Date, now: Date, zone: string): string {
  const sameDay = formatDay(at, zone) === formatDay(now, zone) && now.getTime() - at.getTime() < 86_400_000;
  return sameDay ? formatTime(at, zone) : formatDateTime(at, zone);
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** "5 minutes ago"; under a minute and in the future "now". */
export function formatAgo(at: Date, now: Date): string {
  const seconds = Math.max(0, (now.getTime() - at.getTime()) / 1000);
  const [unit, length] = STEPS.find(([, size]) => seconds >= size) ?? ['second', 1];
  const count = unit === 'second' ? 0 : Math.floor(seconds / length);
  return kept('ago', (tag) => new Intl.RelativeTimeFormat(tag, { numeric: 'auto' })).format(-count, unit);
}
