// Series as charts need them: runs without gaps, stacks, bars, the values at one time. Pure: no DOM.

/** One value. */
export interface Point {
  /** Start of its period, in milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** A value of a stacked series: it lies on those below it. */
export interface StackedPoint {
  readonly at: number;
  readonly low: number;
  readonly high: number;
}

/** Splits a series where periods have no data, so that a line does not claim what nobody measured. */
export function splitAtGaps(points: readonly Point[], periodMs: number): readonly (readonly Point[])[] {
  const runs: Point[][] = [];
  let last: Point | undefined;
  for (const point of points) {
    if (last && point.at - last.at <= periodMs * 1.5) runs.at(-1)?.push(point);
    else runs.push([point]);
    last = point;
  }
  return runs;
}

/** Piles series up, in their order; a series without data at a time adds nothing there. */
export function stack(all: readonly (readonly Point[])[]): readonly (readonly StackedPoint[])[] {
  const times = [...new Set(all.flatMap((points) => points.map(({ at }) => at)))].sort((one, other) => one - other);
  const tops = new Map(times.map((at) => [at, 0]));
  return all.map((points) => {
    const values = new Map(points.map(({ at, value }) => [at, value]));
    return times.map((at) => {
      const low = tops.get(at) ?? 0;
      const high = low + (values.get(at) ?? 0);
      tops.set(at, high);
      return { at, low, high };
    });
  });
}

/** The time of a datum that is nearest to `at`; undefined without data. */
export function nearestTime(all: readonly (readonly Point[])[], at: number): number | undefined {
  let found: number | undefined;
  for (const points of all) {
    for (const point of points) {
      if (found === undefined || Math.abs(point.at - at) < Math.abs(found - at)) found = point.at;
    }
  }
  return found;
}

/** The value at a time, or the last one when no time is asked for. */
export function valueAt(points: readonly Point[], at?: number): number | undefined {
  if (at === undefined) return points.at(-1)?.value;
  return points.find((point) => point.at === at)?.value;
}

/** Says in one sentence what a series shows, for those who do not see the chart. */
export function summarise(label: string, points: readonly Point[], show: (value: number) => string): string {
  const values = points.map(({ value }) => value);
  const last = values.at(-1);
  if (last === undefined) return `${label}: no data`;
  return `${label}: now ${show(last)}, lowest ${show(Math.min(...values))}, highest ${show(Math.max(...values))}`;
}
