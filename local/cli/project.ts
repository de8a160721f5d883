// Reads a Pulumi project as the Pulumi CLI does: Pulumi.yaml, Pulumi.<stack>.yaml, defaults and types of config.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./arguments";

/** A project with the config of one stack. */
export interface Project {
  readonly name: string;
  readonly stack: string;
  /** Folder of Pulumi.yaml. */
  readonly folder: string;
  /** Absolute path of the program. */
  readonly program: string;
  /** Full keys; structured values as JSON text. */
  readonly config: Readonly<Record<string, string>>;
  readonly secretKeys: readonly string[];
}

type YamlMap = Readonly<Record<string, unknown>>;

/** Reads a project. @throws UsageError that names file, key and remedy. */
export function readProject(folder: string, stack: string): Project {
  const file = ["Pulumi.yaml", "Pulumi.yml"].map((name) => path.join(folder, name)).find((name) => existsSync(name));
  if (!file)
    throw new UsageError(
      `there is no Pulumi.yaml in ${folder}; choose the folder of a Pulumi project with --program DIR`,
    );
  const project = readYaml(file);
  const name = project.name;
  if (typeof name !== "string" || name === "") throw new UsageError(`${file}: name is missing`);
  const runtime = isMap(project.runtime) ? project.runtime.name : project.runtime;
  if (runtime !== "nodejs")
    throw new UsageError(
      `${file}: runtime must be nodejs, got ${String(runtime)}; other languages cannot be run locally`,
    );
  const stackConfig = readStack(folder, stack);
  const { values, secretKeys } = completeConfig(file, name, project.config, stackConfig);
  return { name, stack, folder, program: findProgram(file, folder, project.main), config: values, secretKeys };
}

/** Names of the stacks that have a file in the folder. */
export function listStacks(folder: string): readonly string[] {
  return readdirSync(folder)
    .map((name) => /^Pulumi\.(.+)\.ya?ml$/.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .sort();
}

function readStack(folder: string, stack: string): ReadonlyMap<string, string> {
  const file = [".yaml", ".yml"]
    .map((end) => path.join(folder, `Pulumi.${stack}${end}`))
    .find((name) => existsSync(name));
  if (!file) {
    const stacks = listStacks(folder);
    if (stacks.length === 0) return new Map();
    throw new UsageError(`there is no stack ${stack} in ${folder}; it has ${stacks.join(", ")} (--stack NAME)`);
  }
  const config = readYaml(file).config ?? {};
  if (!isMap(config)) throw new UsageError(`${file}: config must be a map`);
  const encrypted = Object.keys(config).filter((key) => hasSecure(config[key]));
  if (encrypted.length > 0) {
    throw new UsageError(
      `${file}: ${encrypted.join(", ")} ${encrypted.length > 1 ? "are" : "is"} encrypted, and the local run has no key to decrypt; ` +
        "give a stack for local runs plain values: --stack NAME reads Pulumi.NAME.yaml",
    );
  }
  return new Map(Object.entries(config).map(([key, value]) => [key, toText(value)]));
}

/** Adds defaults, and checks types, as the CLI does with the `config` section of Pulumi.yaml. */
function completeConfig(
  file: string,
  project: string,
  declared: unknown,
  given: ReadonlyMap<string, string>,
): { readonly values: Readonly<Record<string, string>>; readonly secretKeys: readonly string[] } {
  const full = (key: string): string => (key.includes(":") ? key : `${project}:${key}`);
  const values = Object.fromEntries([...given].map(([key, value]) => [full(key), value]));
  const secretKeys: string[] = [];
  const problems: string[] = [];
  for (const [key, declaration] of Object.entries(isMap(declared) ? declared : {})) {
    const spec = isMap(declaration) ? declaration : { default: declaration };
    const fallback = spec.default ?? spec.value;
    if (values[full(key)] === undefined && fallback !== undefined) values[full(key)] = toText(fallback);
    const value = values[full(key)];
    if (spec.secret === true) secretKeys.push(full(key));
    if (value === undefined) {
      if ("type" in spec) problems.push(`${full(key)} has neither a value nor a default`);
    } else if (typeof spec.type === "string" && !hasType(value, spec.type)) {
      problems.push(`${full(key)} must be of type ${spec.type}, got ${value}`);
    }
  }
  if (problems.length > 0) throw new UsageError(`config of ${file}: ${problems.join("; ")}`);
  return { values, secretKeys };
}

function hasType(value: string, type: string): boolean {
  switch (type) {
    case "integer":
      return /^-?\d+$/.test(value);
    case "boolean":
      return value === "true" || value === "false";
    case "array":
      return Array.isArray(parseJson(value));
    case "object":
      return isMap(parseJson(value));
    default:
      return true;
  }
}

function findProgram(file: string, folder: string, main: unknown): string {
  const target = path.resolve(folder, typeof main === "string" ? main : "index.ts");
  const candidates = [
    target,
    `${target}.ts`,
    `${target}.js`,
    path.join(target, "index.ts"),
    path.join(target, "index.js"),
  ];
  const found = candidates.find((candidate) => existsSync(candidate) && statSync(candidate).isFile());
  if (!found) throw new UsageError(`${file}: main names no program: there is no ${target}`);
  return found;
}

function readYaml(file: string): YamlMap {
  const { parse } = require("yaml") as typeof import("yaml");
  let value: unknown;
  try {
    value = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new UsageError(`${file} is not valid YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (value !== null && !isMap(value)) throw new UsageError(`${file} must be a map`);
  return value ?? {};
}

function hasSecure(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasSecure);
  if (!isMap(value)) return false;
  return (Object.keys(value).length === 1 && "secure" in value) || Object.values(value).some(hasSecure);
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : typeof value === "object" ? JSON.stringify(value) : String(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMap(value: unknown): value is YamlMap {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
