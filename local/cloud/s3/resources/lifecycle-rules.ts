// The rules of a lifecycle configuration: what S3 accepts, and what is executed.
import type { InputReader } from "../../core/input-reader";
import type { LifecycleFilter, LifecycleRule } from "../state";

const MAXIMUM_RULES = 1000;
const MAXIMUM_DAYS = 2147483647;
const ACTIONS = [
  "abortIncompleteMultipartUpload",
  "expiration",
  "noncurrentVersionExpiration",
  "noncurrentVersionTransitions",
  "transitions",
];

/** Adds a problem for everything that S3 refuses. */
export function checkLifecycleRules(inputs: InputReader): void {
  const rules = inputs.list("rules");
  if (rules.length === 0 || rules.length > MAXIMUM_RULES) {
    inputs.refuse("rules", `must hold 1 to ${MAXIMUM_RULES} rules, got ${rules.length}`);
  }
  const ids = new Set<string>();
  for (const rule of rules) {
    const id = rule.requiredText("id") ?? "";
    if (id.length > 255) rule.refuse("id", "must be at most 255 characters");
    if (ids.has(id)) rule.refuse("id", `must be unique, got ${id} twice`);
    ids.add(id);
    checkRule(rule);
  }
}

function checkRule(rule: InputReader): void {
  rule.allowOnly("id", "status", "filter", "prefix", ...ACTIONS);
  rule.requiredText("status");
  rule.choice("status", ["Enabled", "Disabled"]);
  if (!ACTIONS.some((action) => rule.has(action)))
    rule.refuse("status", "at least one action needs to be specified in a rule");
  checkFilter(rule);
  checkExpiration(rule);
  const abort = rule.nested("abortIncompleteMultipartUpload");
  abort?.integer("daysAfterInitiation", 1, MAXIMUM_DAYS);
  if (abort && !abort.has("daysAfterInitiation")) abort.refuse("daysAfterInitiation", "is required");
  if (abort && hasTagOrSize(rule)) {
    rule.refuse("abortIncompleteMultipartUpload", "cannot be specified with tags or object sizes in the filter");
  }
  const noncurrent = rule.nested("noncurrentVersionExpiration");
  noncurrent?.integer("noncurrentDays", 1, MAXIMUM_DAYS);
  noncurrent?.integer("newerNoncurrentVersions", 1, 100);
}

function checkExpiration(rule: InputReader): void {
  const expiration = rule.nested("expiration");
  if (!expiration) return;
  // The provider sends 0 for "not set" beside a date or the marker flag.
  if (expiration.has("date") || expiration.flag("expiredObjectDeleteMarker")) expiration.number("days");
  else expiration.integer("days", 1, MAXIMUM_DAYS);
  const date = expiration.text("date");
  if (date !== undefined && (Number.isNaN(Date.parse(date)) || Date.parse(date) % 86_400_000 !== 0)) {
    expiration.refuse("date", "must be at midnight GMT, in ISO 8601");
  }
  if (date !== undefined && (expiration.number("days") ?? 0) > 0) {
    expiration.refuse("date", "conflicts with days; give only one");
  }
}

function checkFilter(rule: InputReader): void {
  const filter = rule.nested("filter");
  if (filter && rule.has("prefix")) rule.refuse("prefix", "conflicts with filter; give only one");
  if (!filter) return;
  const members = ["and", "objectSizeGreaterThan", "objectSizeLessThan", "prefix", "tag"];
  filter.allowOnly(...members);
  if (members.filter((name) => filter.has(name)).length > 1) {
    filter.refuse("and", "is needed to combine conditions: a filter holds exactly one member");
  }
}

function hasTagOrSize(rule: InputReader): boolean {
  const { tags, sizeGreaterThan, sizeLessThan } = readFilter(rule);
  return Object.keys(tags).length > 0 || sizeGreaterThan !== undefined || sizeLessThan !== undefined;
}

/** Reads a checked rule. */
export function readLifecycleRule(rule: InputReader): LifecycleRule {
  const expiration = rule.nested("expiration");
  const date = expiration?.text("date");
  const days = expiration?.number("days");
  const noncurrent = rule.nested("noncurrentVersionExpiration");
  return withoutUndefined({
    id: rule.text("id") ?? "",
    enabled: rule.text("status") === "Enabled",
    filter: readFilter(rule),
    abortAfterDays: rule.nested("abortIncompleteMultipartUpload")?.number("daysAfterInitiation"),
    expireAfterDays: days === 0 ? undefined : days,
    expireAt: date === undefined ? undefined : Date.parse(date),
    removeExpiredDeleteMarkers: expiration?.flag("expiredObjectDeleteMarker"),
    noncurrentAfterDays: noncurrent?.number("noncurrentDays"),
    newerNoncurrentVersions: noncurrent?.number("newerNoncurrentVersions"),
  });
}

function readFilter(rule: InputReader): LifecycleFilter {
  const filter = rule.nested("filter");
  const conditions = filter?.nested("and") ?? filter;
  const tag = filter?.nested("tag");
  const tags = tag
    ? { [tag.text("key") ?? ""]: tag.text("value") ?? "" }
    : (filter?.nested("and")?.textMap("tags") ?? {});
  return withoutUndefined({
    prefix: rule.text("prefix") ?? conditions?.text("prefix") ?? "",
    tags,
    sizeGreaterThan: conditions?.number("objectSizeGreaterThan"),
    sizeLessThan: conditions?.number("objectSizeLessThan"),
  });
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Defined<T>;
}
