// Between Pulumi's encoding of property values (secrets, assets, outputs, references) and plain data.
import * as path from "node:path";
import { hashPath } from "./assets";
import { UNKNOWN } from "./types";
import type { Archive, Asset, PropertyMap, PropertyValue, WireMap, WireValue } from "./types";

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const ASSET = "c44067f5952c0a294b673a41bacd8c17";
const ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7";
const REFERENCE = "5cf8f73096256a8f31e491e813e4eb8e";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

type WireObject = Readonly<Record<string, WireValue>>;
const isList = (value: WireValue | PropertyValue): value is readonly never[] => Array.isArray(value);
const isObject = (value: WireValue | undefined): value is WireObject =>
  typeof value === "object" && value !== null && !isList(value);
const signature = (value: WireValue): WireValue | undefined => (isObject(value) ? value[SIGNATURE] : undefined);

const mapObject = <In, Out>(value: Readonly<Record<string, In>>, change: (value: In) => Out): Record<string, Out> =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, change(item)]));

/** Whether the value itself is wrapped as a secret. */
export const isSecret = (value: WireValue): boolean => signature(value) === SECRET;

/** Wraps a value as a secret, once. */
export const makeSecret = (value: WireValue): WireValue => (isSecret(value) ? value : { [SIGNATURE]: SECRET, value });

/** Whether a secret is anywhere inside. */
export function containsSecret(value: WireValue): boolean {
  if (isSecret(value)) return true;
  if (isList(value)) return value.some(containsSecret);
  return isObject(value) && Object.values(value).some(containsSecret);
}

/** Whether an unknown is anywhere inside. */
export function containsUnknown(value: WireValue | PropertyValue): boolean {
  if (value === UNKNOWN) return true;
  if (isList(value)) return value.some(containsUnknown);
  return typeof value === "object" && value !== null && Object.values(value).some(containsUnknown);
}

/** Names of the top-level properties that hold a secret. */
export const secretKeys = (values: WireMap): string[] =>
  Object.keys(values).filter((key) => containsSecret(values[key] ?? null));

/**
 * Reduces outputs and resource references to what a provider sees: value, unknown or secret; id or URN. Paths of assets
 * become absolute. The rest stays encoded.
 */
export function normalise(value: WireValue, baseDirectory: string): WireValue {
  const deeper = (inner: WireValue): WireValue => normalise(inner, baseDirectory);
  if (isList(value)) return (value as readonly WireValue[]).map(deeper);
  if (!isObject(value)) return value;
  switch (value[SIGNATURE]) {
    case undefined:
      return mapObject(value, deeper);
    case SECRET:
      return makeSecret(deeper(value.value ?? null));
    case OUTPUT: {
      const inner = "value" in value ? deeper(value.value ?? null) : UNKNOWN;
      return value.secret === true ? makeSecret(inner) : inner;
    }
    case REFERENCE:
      return "id" in value ? known(value.id) : (value.urn ?? UNKNOWN);
    case ASSET:
    case ARCHIVE:
      return normaliseFile(value, baseDirectory);
    default:
      throw new Error(`a property value of an unknown kind (${JSON.stringify(value[SIGNATURE])})`);
  }
}

/** An id the SDK left empty is one it does not know yet. */
const known = (id: WireValue | undefined): WireValue => (id === undefined || id === "" || id === null ? UNKNOWN : id);

function normaliseFile(value: WireObject, baseDirectory: string): WireValue {
  const kept: Record<string, WireValue> = { [SIGNATURE]: value[SIGNATURE] ?? null };
  if (typeof value.uri === "string") throw new Error(`remote assets and archives are not supported (${value.uri})`);
  if (typeof value.path === "string") {
    kept.path = path.resolve(baseDirectory, value.path);
    kept.hash = hashPath(kept.path);
  } else if (typeof value.text === "string") kept.text = value.text;
  else if (isObject(value.assets)) kept.assets = mapObject(value.assets, (item) => normalise(item, baseDirectory));
  return kept;
}

/** Normalises all properties. */
export const normaliseMap = (values: WireMap, baseDirectory: string): WireMap =>
  mapObject(values, (value) => normalise(value, baseDirectory));

/** Plain data of normalised properties: secrets unwrapped, assets by `kind`. */
export function toPlain(value: WireValue): PropertyValue {
  if (isList(value)) return (value as readonly WireValue[]).map(toPlain);
  if (!isObject(value)) return value;
  switch (value[SIGNATURE]) {
    case SECRET:
      return toPlain(value.value ?? null);
    case ASSET:
      return { kind: "asset", ...pick(value, "text", "path") };
    case ARCHIVE:
      return {
        kind: "archive",
        ...pick(value, "path"),
        ...(isObject(value.assets) && { assets: mapObject(value.assets, toPlain) }),
      };
    default:
      return mapObject(value, toPlain);
  }
}

function pick(value: WireObject, ...keys: readonly string[]): Record<string, WireValue> {
  return Object.fromEntries(keys.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]]])));
}

/** Plain data of all properties. */
export const toPlainMap = (values: WireMap): PropertyMap => mapObject(values, toPlain);

/** Encodes plain data. Undefined members of objects are left out, undefined items of lists become null. */
export function toWire(value: PropertyValue): WireValue {
  if (value === undefined || value === null) return null;
  if (isList(value)) return (value as readonly PropertyValue[]).map(toWire);
  if (typeof value !== "object") return value;
  if (isAsset(value)) return { [SIGNATURE]: ASSET, ...toWireMap(withoutKind(value)) };
  if (isArchive(value)) return { [SIGNATURE]: ARCHIVE, ...toWireMap(withoutKind(value)) };
  return toWireMap(value as PropertyMap);
}

const withoutKind = ({ kind: _, ...rest }: Asset | Archive): PropertyMap => rest;
const hasOnly = (value: object, ...keys: readonly string[]): boolean =>
  Object.keys(value).length === 2 && Object.keys(value).every((key) => key === "kind" || keys.includes(key));
const isAsset = (value: object): value is Asset =>
  (value as Partial<Asset>).kind === "asset" && hasOnly(value, "text", "path");
const isArchive = (value: object): value is Archive =>
  (value as Partial<Archive>).kind === "archive" && hasOnly(value, "assets", "path");

/** Encodes all properties; undefined ones are left out. */
export function toWireMap(values: PropertyMap): WireMap {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, toWire(value)]])),
  );
}

/**
 * Encodes what a provider returned for inputs: a value that it left alone keeps its secrets and content hashes in place,
 * a changed one that held a secret becomes a secret as a whole.
 */
export function encodeLike(values: PropertyMap, inputs: WireMap): WireMap {
  return Object.fromEntries(
    Object.entries(toWireMap(values)).map(([key, value]) => {
      const input = inputs[key];
      if (input === undefined) return [key, value];
      if (equal(toWire(toPlain(input)), value)) return [key, input];
      return [key, containsSecret(input) ? makeSecret(value) : value];
    }),
  );
}

/** Deep equality that ignores the order of members and whether a value is secret. */
export function equal(one: WireValue | undefined, other: WireValue | undefined): boolean {
  if (one === other) return true;
  if (one === undefined || other === undefined) return false;
  if (isSecret(one)) return equal((one as WireObject).value, other);
  if (isSecret(other)) return equal(one, (other as WireObject).value);
  if (isList(one) || isList(other)) {
    if (!isList(one) || !isList(other) || one.length !== other.length) return false;
    return (one as readonly WireValue[]).every((item, index) => equal(item, other[index]));
  }
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => key in other && equal(one[key], other[key]));
}

/** Names of the top-level properties that differ, sorted. */
export function changedKeys(before: WireMap, after: WireMap): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter((key) => !equal(before[key], after[key])).sort();
}

/**
 * Decodes the configuration of a provider. Pulumi sends objects, lists and booleans as JSON text; numbers stay text, so
 * that an account id is not mistaken for one.
 */
export function decodeProviderInputs(values: WireMap): PropertyMap {
  return mapObject(values, (value) => {
    const plain = toPlain(value);
    return typeof plain === "string" && /^\s*(?:[[{]|true\s*$|false\s*$)/.test(plain) ? parseOr(plain) : plain;
  });
}

function parseOr(text: string): PropertyValue {
  try {
    return JSON.parse(text) as PropertyValue;
  } catch {
    return text;
  }
}
