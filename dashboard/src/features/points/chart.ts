// The chart of points over time, on uPlot.
import uPlot from 'uplot';

import type { PointsHistory } from '../../api/types';
import { formatCompact, formatDateTime, formatDay, formatTime } from '../../i18n/format';

export interface Colours {
  credited: string;
  debited: string;
  text: string;
  line: string;
}

export interface ChartOptions {
  width: number;
  zone: string;
  colours: Colours;
  /** Which bucket the pointer is at, or null. */
  point: (index: number | null) => void;
}

const HEIGHT = 240;
const DAY = 86_400;

/** Seconds, what came, and below the line what went. */
export function seriesOf({ buckets }: PointsHistory): uPlot.AlignedData {
  return [
    buckets.map((bucket) => Date.parse(bucket.at) / 1000),
    buckets.map((bucket) => bucket.credited),
    buckets.map((bucket) => (bucket.debited === 0 ? 0 : -bucket.debited)),
  ];
}

/** From when to when a bucket reaches. */
export function spanText(at: string, seconds: number, zone: string): string {
  const from = new Date(at);
  const until = new Date(from.getTime() + seconds * 1000);
  return `${formatDateTime(from, zone)} – ${formatTime(until, zone)}`;
}

function zonedDate(zone: string): (seconds: number) => Date {
  return (seconds) => {
    try {
      return uPlot.tzDate(new Date(seconds * 1000), zone);
    } catch {
      return uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC');
    }
  };
}

function axes({ zone, colours }: ChartOptions): uPlot.Axis[] {
  const font = '12px system-ui, sans-serif';
  const grid = { stroke: colours.line, width: 1 };
  const common = { stroke: colours.text, font, grid, ticks: { ...grid, size: 4 } };
  const instants: uPlot.Axis.DynamicValues = (_, splits, __, ___, step) =>
    splits.map((at) => (step >= DAY ? formatDay : formatTime)(new Date(at * 1000), zone));
  return [
    { ...common, values: instants, space: 64, grid: { show: false } },
    { ...common, values: (_, splits) => splits.map(formatCompact), size: 56 },
  ];
}

function bars(colour: string): uPlot.Series {
  return {
    fill: colour,
    width: 0,
    points: { show: false },
    paths: uPlot.paths.bars!({ size: [0.72, 40], radius: 0.15 }),
  };
}

export function drawChart(box: HTMLElement, options: ChartOptions, history: PointsHistory): uPlot {
  const { width, zone, colours, point } = options;
  const half = history.bucket_seconds / 2;
  return new uPlot(
    {
      width,
      height: HEIGHT,
      tzDate: zonedDate(zone),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { range: (_, from, to) => [from - half, to + half] },
        y: { range: (_, least, most) => [Math.min(0, least * 1.1), Math.max(1, most * 1.1)] },
      },
      axes: axes(options),
      series: [{}, bars(colours.credited), bars(colours.debited)],
      hooks: { setCursor: [(chart) => point(chart.cursor.idx ?? null)] },
    },
    seriesOf(history),
    box,
  );
}
