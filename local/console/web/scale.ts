// Scales, ticks and numbers of charts. Pure: no DOM.

/** From the values of an axis to pixels. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  /** Values at which the axis has a line and a number. */
  readonly ticks: readonly number[];
  at(value: number): number;
}

/** Bounds that a dashboard gives; the rest follows from the data. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const UNITS: readonly (readonly [size: number, suffix: string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const MINUTE = 60_000;
const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map((minutes) => minutes * MINUTE);

/** An axis that holds all values and, unless the dashboard says otherwise, zero. */
export function createScale(values: readonly number[], pixels: readonly [number, number], bounds: Bounds = {}): Scale {
  const steps = 4;
  const lowest = bounds.min ?? Math.min(0, ...values);
  const highest = bounds.max ?? Math.max(lowest, ...values);
  const span = highest > lowest ? highest - lowest : Math.abs(lowest) || 1;
  const step = niceStep(span / steps);
  const low = bounds.min ?? Math.floor(lowest / step) * step;
  const high = bounds.max ?? Math.max(Math.ceil((highest - step * 1e-9) / step) * step, low + step);
  const [from, to] = pixels;
  const reach = high - low || 1;
  return {
    low,
    high,
    ticks: multiplesBetween(low, high, step),
    at: (value) => from + ((Math.min(Math.max(value, low), high) - low) / reach) * (to - from),
  };
}

/** 1, 2, 2.5 or 5 times a power of ten, not below `rough`. */
export function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Full minutes, or longer steps, of the viewer's day. At most `most` of them. */
export function timeTicks(from: number, to: number, most: number): readonly number[] {
  const step = TIME_STEPS.find((candidate) => (to - from) / candidate <= most) ?? 12 * 60 * MINUTE;
  const shift = new Date(from).getTimezoneOffset() * MINUTE;
  return multiplesBetween(from - shift, to - shift, step).map((tick) => tick + shift);
}

function multiplesBetween(low: number, high: number, step: number): readonly number[] {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => tidy((first + index) * step));
}

/** Without the dust of binary fractions: 0.1 + 0.2 is 0.3. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** Three or four digits that fit an axis: 1250 is "1.25k". */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const unit = UNITS.find(([least]) => size >= least);
  if (unit) return `${trim(value / unit[0], 2)}${unit[1]}`;
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return trim(value, size >= 100 ? 1 : size >= 1 ? 2 : 3);
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}

/** A count in full, as long as that is short: "1,234". */
export function formatCount(value: number): string {
  return value < 100_000 ? value.toLocaleString("en") : formatNumber(value);
}

/** "1 h 05 min", "3 min 20 s", "12 s". */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${String(hours)} h ${String(minutes % 60).padStart(2, "0")} min`;
  return minutes > 0 ? `${String(minutes)} min ${String(seconds % 60)} s` : `${String(seconds)} s`;
}
