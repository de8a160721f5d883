// The stack's configuration, typed: unknown or wrong keys are refused with the key, the rule and the remedy.
import * as pulumi from "@pulumi/pulumi";
import { findNearest } from "./components/shared/nearest";
import { ProgressTransport } from "./components/progress-tracked-workflow/args";
import { enforce, type Rule } from "./components/shared/validation";

/** What `Pulumi.<stack>.yaml` decides. `Pulumi.yaml` describes each key. */
export interface StackSettings {
  readonly acceleration: boolean;
  readonly alarmTopicArn: string | undefined;
  readonly allowedSourceCidrs: string[] | undefined;
  readonly deletionProtection: boolean;
  readonly logRetentionDays: number;
  readonly maximumFileGibibytes: number;
  readonly manageApiGatewayAccount: boolean;
  readonly progressTransport: ProgressTransport;
  readonly urlExpirySeconds: number;
  readonly workMaximumConcurrency: number;
  readonly workPaused: boolean;
}

type Kind = "boolean" | "integer" | "string" | "string list";

const KEYS: Readonly<Record<keyof StackSettings, Kind>> = {
  acceleration: "boolean",
  alarmTopicArn: "string",
  allowedSourceCidrs: "string list",
  deletionProtection: "boolean",
  logRetentionDays: "integer",
  maximumFileGibibytes: "integer",
  manageApiGatewayAccount: "boolean",
  progressTransport: "string",
  urlExpirySeconds: "integer",
  workMaximumConcurrency: "integer",
  workPaused: "boolean",
};

/**
 * Reads the configuration of the running stack.
 * @throws pulumi.InputPropertiesError with all problems at once.
 */
export function readStackSettings(): StackSettings {
  return parseStackSettings(pulumi.getProject(), pulumi.runtime.allConfig());
}

/**
 * The same over given configuration.
 * @param project Name of the Pulumi project, the namespace of its keys.
 * @param config All configuration of the stack, keys with their namespace.
 */
export function parseStackSettings(project: string, config: Readonly<Record<string, string>>): StackSettings {
  const prefix = `${project}:`;
  const given = Object.entries(config)
    .filter(([key]) => key.startsWith(prefix))
    .map(([key, text]) => [key.slice(prefix.length), text] as const);
  enforce(
    `stack configuration of ${project}`,
    given.flatMap(([key, text]) => checkKey(key, text)),
  );
  const value = new Map(given);
  const flag = (key: keyof StackSettings, otherwise: boolean): boolean =>
    value.has(key) ? value.get(key) === "true" : otherwise;
  const number = (key: keyof StackSettings, otherwise: number): number => Number(value.get(key) ?? otherwise);
  const cidrs = JSON.parse(value.get("allowedSourceCidrs") ?? "[]") as string[];
  return {
    acceleration: flag("acceleration", true),
    // Pulumi.yaml cannot say "none" but by an empty value.
    alarmTopicArn: value.get("alarmTopicArn") === "" ? undefined : value.get("alarmTopicArn"),
    allowedSourceCidrs: cidrs.length === 0 ? undefined : cidrs,
    deletionProtection: flag("deletionProtection", true),
    logRetentionDays: number("logRetentionDays", 30),
    maximumFileGibibytes: number("maximumFileGibibytes", 50),
    manageApiGatewayAccount: flag("manageApiGatewayAccount", false),
    // The component names the choices when it is another word.
    progressTransport: (value.get("progressTransport") ?? ProgressTransport.Function) as ProgressTransport,
    urlExpirySeconds: number("urlExpirySeconds", 300),
    workMaximumConcurrency: number("workMaximumConcurrency", 5),
    workPaused: flag("workPaused", false),
  };
}

function checkKey(key: string, text: string): Rule[] {
  if (!Object.hasOwn(KEYS, key)) {
    const nearest = findNearest(key, Object.keys(KEYS));
    return [
      {
        property: key,
        holds: false,
        rule: "be a known key",
        got: "a value",
        remedy: `did you mean "${nearest ?? ""}"? The keys are: ${Object.keys(KEYS).join(", ")}`,
      },
    ];
  }
  const kind = KEYS[key as keyof StackSettings];
  return [
    {
      property: key,
      holds: fits(kind, text),
      rule: `be ${kind === "integer" ? "an integer" : `a ${kind}`}`,
      got: text,
      remedy: `write it in Pulumi.<stack>.yaml, or: pulumi config set ${key} <value>`,
    },
  ];
}

function fits(kind: Kind, text: string): boolean {
  switch (kind) {
    case "boolean":
      return text === "true" || text === "false";
    case "integer":
      return /^-?\d{1,15}$/.test(text);
    case "string":
      return true;
    case "string list":
      return isStringList(text);
  }
}

function isStringList(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string");
  } catch {
    return false;
  }
}
