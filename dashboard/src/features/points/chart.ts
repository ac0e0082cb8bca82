// The history of points as the chart draws it: columns of times and values.
import type { PointsHistory } from '../../api/types';

export interface Plot {
  /** Milliseconds, in the middle of each bucket; points credited; points taken, below zero. */
  columns: [number[], number[], number[]];
  /** Milliseconds: the start of the first bucket and the end of the last. */
  range: [number, number];
}

export function plotOf({ buckets, bucket_seconds }: PointsHistory): Plot {
  const width = bucket_seconds * 1000;
  const starts = buckets.map(({ at }) => Date.parse(at));
  return {
    columns: [
      starts.map((at) => at + width / 2),
      buckets.map(({ credited }) => credited),
      buckets.map(({ debited }) => 0 - debited),
    ],
    range: [starts[0] ?? 0, (starts.at(-1) ?? 0) + width],
  };
}
