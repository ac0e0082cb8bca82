import { describe, expect, it } from 'vitest';

import { plotOf, timeTicks, valueTicks } from './chart';

const at = (time: string) => Date.parse(time);
const times = (ticks: { at: number }[]) => ticks.map((tick) => new Date(tick.at).toISOString().slice(0, 16));

describe('the lines of values', () => {
  it.each([
    [0, 1, [0, 1]],
    [0, 840, [0, 500, 1000]],
    [-350, 840, [-500, 0, 500, 1000]],
    [0, 3, [0, 1, 2, 3]],
    [0, 9e15, [0, 5e15, 1e16]],
  ])('from %d to %d are round, reach over both and hold 0', (least, most, expected) => {
    expect(valueTicks(least, most, 4)).toEqual(expected);
  });
});

describe('the marks of time', () => {
  it("stand at round hours of the server's zone", () => {
    const ticks = timeTicks(at('2026-03-01T10:20Z'), at('2026-03-02T10:20Z'), 'Asia/Kathmandu', 5);
    expect(times(ticks)).toEqual([
      '2026-03-01T12:15',
      '2026-03-01T18:15',
      '2026-03-02T00:15',
      '2026-03-02T06:15',
    ]);
    expect(ticks.map((tick) => tick.midnight)).toEqual([false, true, false, false]);
  });

  it('stay at midnight when the clocks are changed', () => {
    const ticks = timeTicks(at('2026-03-27T12:00Z'), at('2026-03-31T12:00Z'), 'Europe/Berlin', 4);
    expect(times(ticks)).toEqual([
      '2026-03-27T23:00',
      '2026-03-28T23:00',
      '2026-03-29T22:00',
      '2026-03-30T22:00',
    ]);
    expect(ticks.every((tick) => tick.midnight)).toBe(true);
  });

  it.each([3, 5, 12])('are at most %d', (count) => {
    for (const hours of [1, 24, 168, 720]) {
      const from = at('2026-03-01T00:00Z');
      expect(timeTicks(from, from + hours * 3_600_000, 'UTC', count).length).toBeLessThanOrEqual(count + 1);
    }
  });
});

it('a plot reaches from the first bucket to the end of the last', () => {
  const history = {
    bucket_seconds: 3600,
    buckets: [
      { at: '2026-03-01T10:00:00Z', credited: 4, debited: 0 },
      { at: '2026-03-01T11:00:00Z', credited: 0, debited: 2 },
    ],
  };
  const { from, to, values } = plotOf(history);
  expect([from, to]).toEqual([at('2026-03-01T10:00Z'), at('2026-03-01T12:00Z')]);
  expect(values[0]).toBeLessThanOrEqual(-2);
  expect(values.at(-1)).toBeGreaterThanOrEqual(4);
});
