import { expect, it } from 'vitest';

import { plotOf } from './chart';

const at = (time: string) => Date.parse(time);

it('a plot reaches from the first bucket to the end of the last, with what was taken below zero', () => {
  const history = {
    bucket_seconds: 3600,
    buckets: [
      { at: '2026-03-01T10:00:00Z', credited: 4, debited: 0 },
      { at: '2026-03-01T11:00:00Z', credited: 0, debited: 2 },
    ],
  };
  expect(plotOf(history)).toEqual({
    columns: [
      [at('2026-03-01T10:30Z'), at('2026-03-01T11:30Z')],
      [4, 0],
      [0, -2],
    ],
    range: [at('2026-03-01T10:00Z'), at('2026-03-01T12:00Z')],
  });
});

it('a plot of nothing is empty', () => {
  expect(plotOf({ bucket_seconds: 3600, buckets: [] }).columns).toEqual([[], [], []]);
});
