// Property paths ("tags.team", "rules[0].name", "*") as `ignoreChanges` and `replaceOnChanges` use them.
import type { WireMap, WireValue } from "./types";

type Key = string | number;

/** Splits a path into its keys. */
export function parsePath(path: string): Key[] {
  const parts = path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.[\]]+)/g);
  return [...parts].map(([, quoted, index, plain]) => {
    if (quoted !== undefined) return quoted.replace(/\\(.)/g, "$1");
    if (index !== undefined) return index === "*" ? "*" : Number(index);
    return plain ?? "";
  });
}

/** Inputs in which what the paths name is as it was before. */
export function keepOld(inputs: WireMap, old: WireMap, paths: readonly string[]): WireMap {
  return paths.reduce<WireMap>((kept, path) => restore(kept, old, parsePath(path)) as WireMap, inputs);
}

function restore(
  current: WireValue | undefined,
  old: WireValue | undefined,
  keys: readonly Key[],
): WireValue | undefined {
  const [key, ...rest] = keys;
  if (key === undefined) return old;
  if (key === "*") return restoreAll(current, old, rest);
  return withMember(current, key, restore(memberOf(current, key), memberOf(old, key), rest));
}

function restoreAll(
  current: WireValue | undefined,
  old: WireValue | undefined,
  rest: readonly Key[],
): WireValue | undefined {
  if (rest.length === 0) return old;
  const keys = new Set([...keysOf(current), ...keysOf(old)]);
  return [...keys].reduce<WireValue | undefined>(
    (kept, key) => withMember(kept, key, restore(memberOf(kept, key), memberOf(old, key), rest)),
    current,
  );
}

const keysOf = (value: WireValue | undefined): Key[] => {
  if (Array.isArray(value)) return value.map((_, index) => index);
  return typeof value === "object" && value !== null ? Object.keys(value) : [];
};

function memberOf(value: WireValue | undefined, key: Key): WireValue | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.hasOwn(value, key) ? (value as Readonly<Record<Key, WireValue>>)[key] : undefined;
}

function withMember(value: WireValue | undefined, key: Key, member: WireValue | undefined): WireValue | undefined {
  if (Array.isArray(value)) {
    const copy = [...(value as WireValue[])];
    if (typeof key === "number" && key < copy.length && member !== undefined) copy[key] = member;
    return copy;
  }
  if (value !== undefined && (typeof value !== "object" || value === null)) return value;
  const members = value as Readonly<Record<string, WireValue>> | undefined;
  if (member !== undefined) return { ...members, [key]: member };
  return members && Object.fromEntries(Object.entries(members).filter(([one]) => one !== String(key)));
}

/** Whether a changed top-level property is named by one of the paths. */
export function names(paths: readonly string[], property: string): boolean {
  return paths.some((path) => {
    const [first] = parsePath(path);
    return first === "*" || first === property;
  });
}
