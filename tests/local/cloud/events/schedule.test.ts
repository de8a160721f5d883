// Proves when rate and cron expressions fire, in UTC, and which expressions are refused.
import assert from "node:assert/strict";
import { parseSchedule } from "../../../../local/cloud/events/schedule";

const start = Date.UTC(2026, 0, 1, 0, 0, 30);

function firings(expression: string, count: number): readonly string[] {
  const schedule = parseSchedule(expression, start);
  const times: string[] = [];
  for (let at: number | undefined = start; at !== undefined && times.length < count;) {
    at = schedule.next(at);
    if (at !== undefined) times.push(new Date(at).toISOString().slice(0, 16));
  }
  return times;
}

describe("Schedules", () => {
  const cases: readonly [string, readonly string[]][] = [
    ["rate(1 minute)", ["2026-01-01T00:01", "2026-01-01T00:02"]],
    ["rate(2 days)", ["2026-01-03T00:00", "2026-01-05T00:00"]],
    ["cron(0/20 9-10 * * ? *)", ["2026-01-01T09:00", "2026-01-01T09:20", "2026-01-01T09:40", "2026-01-01T10:00"]],
    ["cron(15 10 ? * MON-FRI *)", ["2026-01-01T10:15", "2026-01-02T10:15", "2026-01-05T10:15"]],
    ["cron(0 8 1 * ? *)", ["2026-01-01T08:00", "2026-02-01T08:00"]],
    ["cron(0 0 L * ? *)", ["2026-01-31T00:00", "2026-02-28T00:00"]],
    ["cron(0 0 LW * ? *)", ["2026-01-30T00:00", "2026-02-27T00:00"]],
    ["cron(0 0 1W * ? 2026)", ["2026-02-02T00:00"]],
    ["cron(0 0 ? * 6#3 *)", ["2026-01-16T00:00", "2026-02-20T00:00"]],
    ["cron(0 0 ? * FRIL *)", ["2026-01-30T00:00", "2026-02-27T00:00"]],
    ["cron(0 0 29 FEB ? *)", ["2028-02-29T00:00", "2032-02-29T00:00"]],
    ["cron(0 0 1 1 ? 2020)", []],
  ];
  for (const [expression, expected] of cases) {
    it(`fire ${expression} at ${expected.join(", ") || "no time"}`, () => {
      assert.deepEqual(firings(expression, Math.max(1, expected.length)), expected);
    });
  }

  const refusals = [
    "rate(0 minutes)",
    "rate(1 minutes)",
    "rate(5 minute)",
    "rate(5 weeks)",
    "every 5 minutes",
    "cron(* * * * *)",
    "cron(0 0 * * * *)",
    "cron(0 0 ? * ? *)",
    "cron(60 0 * * ? *)",
    "cron(0 24 * * ? *)",
    "cron(0 0 32 * ? *)",
    "cron(0 0 ? * 8 *)",
    "cron(0 0 ? * ABC#2 *)",
    "cron(x 0 * * ? *)",
    "cron(0/0 0 * * ? *)",
  ];
  for (const expression of refusals) {
    it(`rejects ${expression}`, () => {
      assert.throws(() => parseSchedule(expression, start));
    });
  }
});
