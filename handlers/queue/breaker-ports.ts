// Where the circuit is kept, and the mapping that it acts on.
import {
  domainOf,
  readCredentials,
  readEndpointOverride,
  readRegion,
  type Environment,
} from "../shared/aws-environment";
import { AwsRestClient } from "../shared/aws-rest";
import type { AwsJsonClient } from "../shared/aws-json";
import type { AlarmLevel, Circuit, MappingSetting } from "./breaker-state";
import { CLOSED } from "./breaker-state";
import { numberIn, textIn, type StateRow, type StateTable } from "./state-table";

const KEY = "breaker";

/** A circuit as it was read. */
export interface StoredCircuit {
  readonly circuit: Circuit;
  /** Counts the writes; 0 when there is none yet. */
  readonly version: number;
}

/** The row of the circuit. */
export class CircuitStore {
  constructor(private readonly table: StateTable) {}

  async read(): Promise<StoredCircuit> {
    const row = await this.table.find(KEY);
    return { circuit: row ? readCircuit(row) : CLOSED, version: numberIn(row, "circuitVersion") ?? 0 };
  }

  /** Replaces the version that was read. Returns false when another run came in between. */
  async write(circuit: Circuit, version: number): Promise<boolean> {
    const { written } = await this.table.write({
      operation: "PutItem",
      key: KEY,
      row: {
        circuitPhase: { S: circuit.phase },
        circuitSince: { N: String(circuit.since) },
        inAlarm: { BOOL: circuit.inAlarm },
        alarmChangedAt: { N: String(circuit.alarmChangedAt) },
        mappingApplied: { BOOL: circuit.applied },
        circuitVersion: { N: String(version + 1) },
      },
      condition: version === 0 ? "attribute_not_exists(pk)" : "circuitVersion = :version",
      ...(version === 0 ? {} : { values: { ":version": { N: String(version) } } }),
    });
    return written;
  }
}

function readCircuit(row: StateRow): Circuit {
  const phase = textIn(row, "circuitPhase");
  return {
    phase: phase === "open" || phase === "half-open" ? phase : "closed",
    since: numberIn(row, "circuitSince") ?? 0,
    inAlarm: flagIn(row, "inAlarm"),
    alarmChangedAt: numberIn(row, "alarmChangedAt") ?? 0,
    applied: flagIn(row, "mappingApplied"),
  };
}

function flagIn(row: StateRow, name: string): boolean {
  const value = row[name];
  return value !== undefined && "BOOL" in value && value.BOOL;
}

/** The downstream's alarm. */
export interface AlarmReader {
  /** Its state; undefined when CloudWatch knows no such alarm. */
  read(): Promise<AlarmLevel | undefined>;
}

interface DescribedAlarm {
  readonly AlarmArn?: string;
  readonly StateValue?: string;
  /** Seconds since the epoch. */
  readonly StateUpdatedTimestamp?: number;
}

/** The alarm, metric or composite. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html */
export function createAlarmReader(alarmArn: string, client: Pick<AwsJsonClient, "call">): AlarmReader {
  const name = alarmArn.split(":").slice(6).join(":");
  return {
    read: async () => {
      const answer = (await client.call("DescribeAlarms", {
        AlarmNames: [name],
        AlarmTypes: ["MetricAlarm", "CompositeAlarm"],
      })) as Readonly<Record<string, readonly DescribedAlarm[] | undefined>>;
      const alarms = [...(answer.MetricAlarms ?? []), ...(answer.CompositeAlarms ?? [])];
      const found = alarms.find(({ AlarmArn }) => AlarmArn === alarmArn);
      if (!found) return undefined;
      return { inAlarm: found.StateValue === "ALARM", changedAt: 1000 * (found.StateUpdatedTimestamp ?? 0) };
    },
  };
}

/** The mapping as Lambda tells of it. */
export interface MappingState {
  readonly enabled: boolean;
  /** Lambda is still carrying out a change and takes no other. */
  readonly changing: boolean;
  /** Pollers are provisioned, which excludes a maximum concurrency. */
  readonly provisioned: boolean;
}

/** The event source mapping. */
export interface Mapping {
  read(): Promise<MappingState>;
  set(setting: MappingSetting): Promise<void>;
}

/** The mapping by Lambda's REST API. https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html */
export function createMapping(id: string, environment: Environment, now: () => number): Mapping {
  const region = readRegion(environment);
  const origin = readEndpointOverride(environment, "LAMBDA") ?? `https://lambda.${region}.${domainOf(region)}`;
  const url = new URL(`${origin}/2015-03-31/event-source-mappings/${encodeURIComponent(id)}`);
  const client = new AwsRestClient({ service: "lambda", region, credentials: readCredentials(environment), now });
  return {
    read: async () => {
      const answer = JSON.parse(await client.call({ method: "GET", url })) as {
        readonly State?: string;
        readonly ProvisionedPollerConfig?: object;
      };
      const state = answer.State ?? "";
      return {
        enabled: !state.startsWith("Disabl"),
        changing: state !== "Enabled" && state !== "Disabled",
        provisioned: answer.ProvisionedPollerConfig !== undefined,
      };
    },
    set: async ({ enabled, maximumConcurrency }) => {
      const scaling = maximumConcurrency === null ? {} : { MaximumConcurrency: maximumConcurrency };
      const body = JSON.stringify({
        ...(enabled === undefined ? {} : { Enabled: enabled }),
        ...(maximumConcurrency === undefined ? {} : { ScalingConfig: scaling }),
      });
      await client.call({ method: "PUT", url, headers: { "content-type": "application/json" }, body });
    },
  };
}
