// Schedule expressions of rules: rate(...) and cron(...), in UTC, with minute precision.

/** Times at which a schedule fires. */
export interface Schedule {
  /** First time after `after`, both in milliseconds since the epoch; undefined when there is none. */
  next(after: number): number | undefined;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { minute: MINUTE_MS, hour: 3_600_000, day: DAY_MS };
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/** A schedule that does not fire within this time never does: leap days are at most eight years apart. */
const HORIZON_DAYS = 366 * 9;

/** Reads a schedule expression that begins at `start`. Throws an Error with the reason. */
export function parseSchedule(expression: string, start: number): Schedule {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression);
  if (rate) return rateSchedule(Number(rate[1]), String(rate[2]), rate[3] === "s", start);
  const cron = /^cron\(([^()]+)\)$/.exec(expression);
  if (cron) return cronSchedule(String(cron[1]).trim().split(/\s+/));
  throw new Error("must be rate(value unit) or cron(minutes hours day-of-month month day-of-week year)");
}

function rateSchedule(value: number, unit: string, plural: boolean, start: number): Schedule {
  if (value < 1) throw new Error("rate needs a value of 1 or more");
  if ((value === 1) === plural) throw new Error(`rate needs "${unit}" for 1 and "${unit}s" for more`);
  const interval = value * (UNITS[unit] ?? MINUTE_MS);
  return { next: (after) => start + Math.max(1, Math.floor((after - start) / interval) + 1) * interval };
}

function cronSchedule(fields: readonly string[]): Schedule {
  if (fields.length !== 6) throw new Error(`cron needs six fields, got ${fields.length}`);
  const [minute = "", hour = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = fields;
  if ((dayOfMonth === "?") === (dayOfWeek === "?")) {
    throw new Error("cron needs ? in exactly one of day-of-month and day-of-week");
  }
  const minutes = values(minute, 0, 59);
  const hours = values(hour, 0, 23);
  const months = values(month, 1, 12, MONTHS);
  const years = values(year, 1970, 2199);
  const fitsDay = dayOfWeek === "?" ? daysOfMonth(dayOfMonth) : daysOfWeek(dayOfWeek);
  const fits = (day: Date): boolean =>
    years.has(day.getUTCFullYear()) && months.has(day.getUTCMonth() + 1) && fitsDay(day);
  const times = [...hours].flatMap((h) => [...minutes].map((m) => (h * 60 + m) * MINUTE_MS)).sort((a, b) => a - b);
  return {
    next(after) {
      const today = Math.floor(after / DAY_MS) * DAY_MS;
      for (let day = today; day < today + HORIZON_DAYS * DAY_MS; day += DAY_MS) {
        if (!fits(new Date(day))) continue;
        const time = times.find((offset) => day + offset > after);
        if (time !== undefined) return day + time;
      }
      return undefined;
    },
  };
}

/** Numbers of a field: `*`, `a`, `a-b`, `a,b`, each with an optional `/step`. */
function values(field: string, low: number, high: number, names: readonly string[] = []): ReadonlySet<number> {
  const found = new Set<number>();
  for (const part of field.split(",")) {
    const [range = "", step, ...rest] = part.split("/");
    const every = step === undefined ? 1 : Number(step);
    if (rest.length > 0 || !Number.isInteger(every) || every < 1) throw new Error(`cron does not know ${part}`);
    const [first, last] = bounds(range, low, high, names, step !== undefined);
    for (let value = first; value <= last; value += every) found.add(value);
  }
  return found;
}

function bounds(range: string, low: number, high: number, names: readonly string[], open: boolean): [number, number] {
  if (range === "*") return [low, high];
  const [from = "", to, ...rest] = range.split("-");
  const first = valueOf(from, low, names);
  const last = to === undefined ? (open ? high : first) : valueOf(to, low, names);
  const valid = rest.length === 0 && first >= low && last <= high && first <= last;
  if (!valid) throw new Error(`cron does not know ${range}; it must be between ${low} and ${high}`);
  return [first, last];
}

function valueOf(text: string, low: number, names: readonly string[]): number {
  const named = names.indexOf(text.toUpperCase());
  if (named >= 0) return named + low;
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function lastDay(day: Date): number {
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
}

/** `L` is the last day of the month, `15W` the weekday next to the 15th, `LW` the last weekday. */
function daysOfMonth(field: string): (day: Date) => boolean {
  if (field === "L") return (day) => day.getUTCDate() === lastDay(day);
  const weekday = /^(L|\d{1,2})W$/.exec(field)?.[1];
  if (weekday === undefined) {
    const days = values(field, 1, 31);
    return (day) => days.has(day.getUTCDate());
  }
  if (weekday !== "L" && (Number(weekday) < 1 || Number(weekday) > 31)) throw new Error(`cron does not know ${field}`);
  return (day) => day.getUTCDate() === nearestWeekday(day, weekday === "L" ? lastDay(day) : Number(weekday));
}

function nearestWeekday(day: Date, wanted: number): number | undefined {
  if (wanted > lastDay(day)) return undefined;
  const weekday = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth(), wanted)).getUTCDay();
  if (weekday === 6) return wanted === 1 ? 3 : wanted - 1;
  if (weekday === 0) return wanted === lastDay(day) ? wanted - 2 : wanted + 1;
  return wanted;
}

/** 1 is Sunday. `6L` is the month's last Friday, `6#3` its third. */
function daysOfWeek(field: string): (day: Date) => boolean {
  const special = /^([A-Za-z]{3}|[1-7])(?:(L)|#([1-5]))$/.exec(field);
  if (!special) {
    const days = field === "L" ? new Set([7]) : values(field, 1, 7, DAYS);
    return (day) => days.has(day.getUTCDay() + 1);
  }
  const weekday = valueOf(String(special[1]), 1, DAYS);
  if (Number.isNaN(weekday)) throw new Error(`cron does not know ${field}`);
  const isWeekday = (day: Date): boolean => day.getUTCDay() + 1 === weekday;
  if (special[2]) return (day) => isWeekday(day) && day.getUTCDate() > lastDay(day) - 7;
  return (day) => isWeekday(day) && Math.ceil(day.getUTCDate() / 7) === Number(special[3]);
}
