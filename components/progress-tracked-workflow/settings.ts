// Settled settings of ProgressTrackedWorkflow: defaults applied, rules enforced, the definition read.
import * as fs from "node:fs";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import { logRetention } from "../shared/limits";
import { enforce, integerBetween, oneOf, type Rule } from "../shared/validation";
import {
  ProgressTransport,
  type ProgressAlarmsArgs,
  type ProgressStatementArgs,
  type ProgressTrackedWorkflowArgs,
} from "./args";
import { OWN_SIDS } from "./policies";
import { MAXIMUM_DIRECT_REPORTS } from "./weave/direct";
import { isSequence, type SequenceObject } from "./weave/language";
import { countReports, readMarks } from "./weave/marks";

const DAY_SECONDS = 86_400;
/** A year: the longest that a Standard workflow runs. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const MAXIMUM_RUN_SECONDS = 31_536_000;
/** Of the 4,096 bytes that the environment of a function has: addresses and names take some 900, and origins need room. */
const MAXIMUM_STEPS_BYTES = 2560;
const PLACEHOLDER = /^[A-Za-z]\w*$/;

/** Everything settled: what the component reads instead of its arguments. */
export interface ProgressTrackedWorkflowSettings {
  /** As the caller gave it, marks included. */
  readonly definition: SequenceObject;
  readonly definitionSubstitutions: Readonly<Record<string, pulumi.Input<string>>>;
  readonly transport: ProgressTransport;
  readonly policyStatements: readonly ProgressStatementArgs[];
  readonly allowedOrigins: pulumi.Input<pulumi.Input<string>[]>;
  readonly userPoolArn: pulumi.Input<string>;
  readonly retentionDays: number;
  readonly retentionSeconds: number;
  readonly startsPerMinute: number;
  readonly throttling: { readonly rateLimit: number; readonly burstLimit: number };
  readonly timeoutSeconds: number | undefined;
  readonly gradualShift: ProgressTrackedWorkflowArgs["gradualShift"];
  readonly alarms: ProgressAlarmSettings;
  readonly logRetentionDays: number;
  readonly includeExecutionData: boolean;
  readonly memorySize: number;
  readonly kmsKeyArn: pulumi.Input<string> | undefined;
  readonly deletionProtection: boolean;
  readonly region: string | undefined;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
}

/** Settled alarms. */
export type ProgressAlarmSettings = Required<Omit<ProgressAlarmsArgs, "topicArn">> & {
  readonly topicArn: pulumi.Input<string> | undefined;
};

/**
 * Applies defaults, reads the definition and enforces the rules.
 * @throws pulumi.InputPropertiesError with every problem at once; nothing has been registered then.
 */
export function resolveProgressTrackedWorkflowSettings(
  name: string,
  args: ProgressTrackedWorkflowArgs,
): ProgressTrackedWorkflowSettings {
  const { definition, rules } = readDefinition(args);
  enforce(name, [...rules, ...listRules(args)]);
  const { alarms = {}, retentionDays = 7 } = args;
  return {
    definition,
    definitionSubstitutions: args.definitionSubstitutions ?? {},
    transport: args.transport ?? ProgressTransport.Function,
    policyStatements: args.policyStatements ?? [],
    allowedOrigins: args.allowedOrigins,
    userPoolArn: args.userPoolArn,
    retentionDays,
    retentionSeconds: retentionDays * DAY_SECONDS,
    startsPerMinute: args.startsPerMinute ?? 10,
    throttling: { rateLimit: args.throttling?.rateLimit ?? 100, burstLimit: args.throttling?.burstLimit ?? 200 },
    timeoutSeconds: args.timeoutSeconds,
    gradualShift: args.gradualShift,
    alarms: {
      enabled: alarms.enabled ?? true,
      topicArn: alarms.topicArn,
      failedRunsThreshold: alarms.failedRunsThreshold ?? 1,
      timedOutRunsThreshold: alarms.timedOutRunsThreshold ?? 1,
      reportFailuresThreshold: alarms.reportFailuresThreshold ?? 1,
      functionErrorsThreshold: alarms.functionErrorsThreshold ?? 1,
    },
    logRetentionDays: args.logRetentionDays ?? 30,
    includeExecutionData: args.includeExecutionData ?? false,
    memorySize: args.memorySize ?? 512,
    kmsKeyArn: args.kmsKeyArn,
    deletionProtection: args.deletionProtection ?? true,
    region: args.region,
    tags: args.tags ?? {},
  };
}

const NO_DEFINITION: SequenceObject = { StartAt: "", States: {} };

/** The definition, whichever way it was given, with rules about it and its marks. */
function readDefinition(args: ProgressTrackedWorkflowArgs): { definition: SequenceObject; rules: Rule[] } {
  const { definition, definitionFile } = args;
  const problem = (property: string, rule: string, got: unknown, remedy: string): Rule => ({
    property,
    holds: false,
    rule,
    got,
    remedy,
  });
  if ((definition === undefined) === (definitionFile === undefined)) {
    const got = definition === undefined ? "neither" : "both";
    const remedy = "pass the definition as an object, or name its file";
    return {
      definition: NO_DEFINITION,
      rules: [problem("definition", "be given, or else definitionFile, and not both", got, remedy)],
    };
  }
  const property = definition === undefined ? "definitionFile" : "definition";
  let given: unknown = definition;
  if (definitionFile !== undefined) {
    try {
      given = JSON.parse(fs.readFileSync(path.resolve(definitionFile), "utf8"));
    } catch (error) {
      const remedy = error instanceof Error ? error.message : String(error);
      return {
        definition: NO_DEFINITION,
        rules: [problem(property, "be a file that holds JSON", definitionFile, remedy)],
      };
    }
  }
  const { steps, problems } = readMarks(given);
  const placeheld = steps.flatMap(({ step, label }) => [step, label]).filter(holdsPlaceholder(args));
  const rules = problems.map((text) => problem(property, "be a workflow with marked steps", "this problem", text));
  const bytes = Buffer.byteLength(JSON.stringify(steps.map(({ step, label, weight }) => ({ step, label, weight }))));
  rules.push({
    property,
    holds: bytes <= MAXIMUM_STEPS_BYTES,
    rule: `have steps of at most ${MAXIMUM_STEPS_BYTES} bytes: names, labels and weights as JSON`,
    got: bytes,
    remedy: "mark fewer states, or shorten names and labels; the functions' environments hold 4 KB",
  });
  rules.push({
    property,
    holds: placeheld.length === 0,
    rule: "have no placeholders of definitionSubstitutions in names and labels of marked states",
    got: [...new Set(placeheld)],
    remedy: "write the text itself; viewers read names and labels as they stand in the definition",
  });
  const reports = countReports(steps);
  if (args.transport === ProgressTransport.Direct && reports > MAXIMUM_DIRECT_REPORTS) {
    const remedy = "mark fewer states, or choose another transport: each report takes some 30 of a run's 25,000 events";
    rules.push(problem("transport", `have at most ${MAXIMUM_DIRECT_REPORTS} reports with "direct"`, reports, remedy));
  }
  return { definition: isSequence(given) ? given : NO_DEFINITION, rules };
}

/** Whether a text has a placeholder that is filled in. */
function holdsPlaceholder({ definitionSubstitutions = {} }: ProgressTrackedWorkflowArgs): (text: string) => boolean {
  const placeholders = Object.keys(definitionSubstitutions).map((key) => `\${${key}}`);
  return (text) => placeholders.some((placeholder) => text.includes(placeholder));
}

function listRules(args: ProgressTrackedWorkflowArgs): Rule[] {
  const { alarms, throttling, policyStatements = [], definitionSubstitutions = {}, gradualShift } = args;
  const placeholders = Object.keys(definitionSubstitutions).filter((key) => !PLACEHOLDER.test(key));
  return [
    oneOf("transport", args.transport, ProgressTransport),
    {
      property: "definitionSubstitutions",
      holds: placeholders.length === 0,
      rule: "have names of letters, digits and _",
      got: placeholders,
      remedy: 'write "OrderFunctionArn" say, and ${OrderFunctionArn} in the definition',
    },
    integerBetween("retentionDays", args.retentionDays, 1, 365),
    integerBetween("startsPerMinute", args.startsPerMinute, 1, 1000),
    integerBetween("throttling.rateLimit", throttling?.rateLimit, 1, 10_000),
    integerBetween("throttling.burstLimit", throttling?.burstLimit, 1, 5_000),
    integerBetween("timeoutSeconds", args.timeoutSeconds, 1, MAXIMUM_RUN_SECONDS, "a quota of Step Functions"),
    integerBetween("gradualShift.percent", gradualShift?.percent, 0, 99, "leave gradualShift out for 100"),
    integerBetween("memorySize", args.memorySize, 128, 10_240, "limits of Lambda"),
    integerBetween("alarms.failedRunsThreshold", alarms?.failedRunsThreshold, 1, 1_000_000),
    integerBetween("alarms.timedOutRunsThreshold", alarms?.timedOutRunsThreshold, 1, 1_000_000),
    integerBetween("alarms.reportFailuresThreshold", alarms?.reportFailuresThreshold, 1, 1_000_000),
    integerBetween("alarms.functionErrorsThreshold", alarms?.functionErrorsThreshold, 1, 1_000_000),
    logRetention(args.logRetentionDays),
    ...statementRules(policyStatements),
  ];
}

function statementRules(statements: readonly ProgressStatementArgs[]): Rule[] {
  const property = "policyStatements";
  const sids = statements.map(({ sid }) => sid);
  const actions = statements.flatMap((statement) => statement.actions);
  const taken = sids.filter((sid) => OWN_SIDS.includes(sid));
  return [
    {
      property,
      holds: taken.length === 0,
      rule: "not have sids of the component's own statements",
      got: taken,
      remedy: `choose others than ${OWN_SIDS.join(", ")}`,
    },
    {
      property,
      holds: sids.every((sid) => /^[A-Za-z0-9]{1,64}$/.test(sid)) && new Set(sids).size === sids.length,
      rule: "have different sids of letters and digits",
      got: sids,
      remedy: 'write "InvokePayment" say',
    },
    {
      property,
      holds:
        actions.every((action) => /^[a-z0-9-]+:[A-Za-z0-9]+$/.test(action)) &&
        statements.every((one) => one.actions.length > 0),
      rule: "name actions without wildcards",
      got: actions,
      remedy: 'write "lambda:InvokeFunction" say',
    },
  ];
}
