// Where the lines of a chart over time stand: round values, and round moments of the server's zone.
import type { PointsHistory } from '../../api/types';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const TIME_STEPS = [1, 2, 3, 6, 12, 24, 48, 72, 120, 240].map((hours) => hours * HOUR_MS);

/** Whole values at a round distance that reach from `least` (at most 0) to `most`; about `count` of them. */
export function valueTicks(least: number, most: number, count: number): number[] {
  const rough = Math.max(1, (most - least) / count);
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = Math.ceil([1, 2, 5, 10].map((times) => times * magnitude).find((size) => size >= rough)!);
  const first = Math.floor(least / step);
  const last = Math.ceil(most / step);
  return Array.from({ length: last - first + 1 }, (_, index) => (first + index) * step);
}

/** How far the zone's clocks are ahead of UTC at that moment. */
function offsetMs(at: number, clock: Intl.DateTimeFormat): number {
  const parts = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const shown = Date.UTC(parts.year!, parts.month! - 1, parts.day, parts.hour, parts.minute, parts.second);
  return shown - Math.floor(at / 1000) * 1000;
}

export interface TimeTick {
  at: number;
  /** Midnight: to be named by its day. */
  midnight: boolean;
}

/** At most `count` round moments between the two (milliseconds). `zone` is one that Intl knows. */
export function timeTicks(from: number, to: number, zone: string, count: number): TimeTick[] {
  const step = TIME_STEPS.find((size) => (to - from) / size <= count) ?? TIME_STEPS.at(-1)!;
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const;
  const time = { hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' } as const;
  const clock = new Intl.DateTimeFormat('en', { timeZone: zone, ...numeric, ...time });
  // The clocks may be changed in between, so that each moment has an offset of its own.
  const ahead = offsetMs(from, clock);
  const momentOf = (wall: number) => wall - offsetMs(wall - ahead, clock);
  const ticks: TimeTick[] = [];
  let wall = Math.ceil((from + ahead) / step) * step;
  for (let at = momentOf(wall); at <= to; at = momentOf(wall)) {
    if (at >= from) ticks.push({ at, midnight: wall % DAY_MS === 0 });
    wall += step;
  }
  return ticks;
}

export interface Bar {
  at: number;
  credited: number;
  debited: number;
}

export interface Plot {
  bars: Bar[];
  /** Milliseconds; the end is that of the last bucket. */
  from: number;
  to: number;
  /** The lowest value is 0 or less, the highest at least 1. */
  values: number[];
}

export function plotOf({ buckets, bucket_seconds }: PointsHistory): Plot {
  const bars = buckets.map(({ at, credited, debited }) => ({ at: Date.parse(at), credited, debited }));
  const most = Math.max(1, ...bars.map((bar) => bar.credited));
  const least = -Math.max(0, ...bars.map((bar) => bar.debited));
  const from = bars[0]?.at ?? 0;
  return {
    bars,
    from,
    to: (bars.at(-1)?.at ?? 0) + bucket_seconds * 1000,
    values: valueTicks(least, most, 4),
  };
}
