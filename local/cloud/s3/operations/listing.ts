// How S3's lists group and page: one way for objects, versions and uploads.
import { invalidArgument } from "../errors";
import type { S3Request } from "../request";
import { compareKeys } from "../objects";

/** Groups and cuts a list. */
export interface ListOptions {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maximum: number;
}

/** One page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** Name of the last item, or the last common prefix. */
  readonly lastName: string;
  readonly last: T | undefined;
}

/** Takes one page from `entries`, which are in order and begin after the caller's marker. */
export function takePage<T>(entries: Iterable<readonly [name: string, item: T]>, options: ListOptions): Page<T> {
  const items: T[] = [];
  const prefixes: string[] = [];
  let lastName = "";
  let last: T | undefined;
  for (const [name, item] of entries) {
    if (!name.startsWith(options.prefix)) continue;
    const group = groupOf(name, options);
    if (group !== undefined && group === prefixes.at(-1)) continue;
    if (items.length + prefixes.length >= options.maximum) {
      return { items, prefixes, truncated: options.maximum > 0, lastName, last };
    }
    if (group === undefined) items.push(item);
    else prefixes.push(group);
    lastName = group ?? name;
    last = group === undefined ? item : undefined;
  }
  return { items, prefixes, truncated: false, lastName, last };
}

function groupOf(name: string, { prefix, delimiter }: ListOptions): string | undefined {
  if (delimiter === "") return undefined;
  const end = name.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : name.slice(0, end + delimiter.length);
}

/** Whether `name` comes after a marker; a common prefix as marker covers everything inside it. */
export function isAfter(name: string, marker: string, delimiter: string): boolean {
  if (marker === "") return true;
  if (delimiter !== "" && marker.endsWith(delimiter) && name.startsWith(marker)) return false;
  return compareKeys(name, marker) > 0;
}

/** Encodes names where the caller asked for `encoding-type=url`, for keys that XML cannot hold. */
export function nameEncoder(request: S3Request): (name: string) => string {
  const type = request.query.get("encoding-type");
  if (type === null) return (name) => name;
  if (type !== "url") throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", type);
  return (name) => encodeURIComponent(name).replaceAll("%2F", "/").replaceAll("%20", "+");
}
