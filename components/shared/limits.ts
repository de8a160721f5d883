// Limits of AWS services that several components check.
import type { Rule } from "./validation";

/** Values that CloudWatch Logs accepts. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html */
const LOG_RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** A rule that CloudWatch Logs accepts a retention. Left-out values pass. */
export function logRetention(days: number | undefined): Rule {
  return {
    property: "logRetentionDays",
    holds: days === undefined || LOG_RETENTION_DAYS.includes(days),
    rule: `be one of ${LOG_RETENTION_DAYS.join(", ")}`,
    got: days,
    remedy: "CloudWatch Logs knows no other retention",
  };
}
