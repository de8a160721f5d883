// Creates, changes and ends mappings, for declared resources and for the API alike.
import { AwsError } from "../../core/errors";
import type { PropertyMap } from "../../core/resource-model";
import type { CloudContext } from "../../core/service";
import { uuidFrom } from "../../core/uuid";
import type { MappingInfo } from "../control";
import { type FunctionReference, parseFunctionReference, type ResolvedFunction } from "../definition";
import { functionArnOf, type Mapping, MappingRegistry, NO_RECORDS, stateOf } from "./mapping";
import { Poller, type PollerParts } from "./poller";
import { RoleSession } from "./role-session";
import { type MappingSettings, readSettings } from "./settings";

/** Whose mapping it is, and where. */
export interface MappingOwner {
  readonly urn: string;
  readonly accountId: string;
  readonly region: string;
}

/** What the role of a function must be allowed on the queue. */
const ROLE_ACTIONS = ["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"];

/** All mappings of one run with their pollers. */
export class Mappings {
  private readonly registry = new MappingRegistry();
  private readonly pollers = new Map<string, Poller>();

  constructor(private readonly parts: PollerParts) {}

  get(uuid: string): Mapping | undefined {
    return this.registry.get(uuid);
  }

  all(): readonly Mapping[] {
    return this.registry.all();
  }

  /** @param inputs that `checkMapping` found correct. @throws AwsError as CreateEventSourceMapping does. */
  create(inputs: PropertyMap, owner: MappingOwner): Mapping {
    const settings = readSettings(inputs);
    const reference = this.verify(settings, owner);
    const { clock } = this.parts.context;
    const uuid = uuidFrom(this.parts.context.uniqueId(32));
    const mapping: Mapping = {
      uuid,
      arn: `arn:aws:lambda:${owner.region}:${owner.accountId}:event-source-mapping:${uuid}`,
      urn: owner.urn,
      accountId: owner.accountId,
      region: owner.region,
      inputs,
      settings,
      reference,
      lastModified: clock.now(),
      lastResult: NO_RECORDS,
      running: 0,
    };
    this.registry.add(mapping);
    const poller = new Poller(this.parts, mapping);
    this.pollers.set(uuid, poller);
    poller.start();
    return mapping;
  }

  /** Applies changed inputs at once. @throws AwsError as UpdateEventSourceMapping does. */
  update(mapping: Mapping, inputs: PropertyMap): void {
    const settings = readSettings(inputs);
    mapping.reference = this.verify(settings, mapping, mapping);
    mapping.inputs = inputs;
    mapping.settings = settings;
    mapping.lastModified = this.parts.context.clock.now();
    this.pollers.get(mapping.uuid)?.reconfigure();
  }

  delete(uuid: string): void {
    this.pollers.get(uuid)?.stop();
    this.pollers.delete(uuid);
    this.registry.remove(uuid);
  }

  stop(): void {
    for (const poller of this.pollers.values()) poller.stop();
  }

  describe(): readonly MappingInfo[] {
    return [...this.pollers.values()].map(({ mapping, limit }) => ({
      uuid: mapping.uuid,
      arn: mapping.arn,
      urn: mapping.urn,
      functionArn: functionArnOf(mapping),
      functionName: mapping.reference.arn.split(":").at(-1) ?? "",
      queueArn: mapping.settings.queueArn,
      enabled: mapping.settings.enabled,
      state: stateOf(mapping),
      lastProcessingResult: mapping.lastResult,
      concurrency: mapping.running,
      limit,
    }));
  }

  /** What Lambda tries out before it accepts a mapping. */
  private verify(
    settings: MappingSettings,
    owner: Pick<MappingOwner, "accountId" | "region">,
    self?: Mapping,
  ): FunctionReference {
    const { queueArn, functionName } = settings;
    const reference = parseFunctionReference(functionName, owner.accountId, owner.region);
    if (!reference) throw new AwsError("ResourceNotFoundException", `Function not found: ${functionName}`, 404);
    const resolved = this.parts.registry.resolve(reference);
    this.registry.refuseDuplicate(queueArn, reference, self);
    if (queueArn.split(":")[3] !== resolved.definition.region) {
      throw invalid("The event source and the function must be in the same Region");
    }
    verifyRole(this.parts.context, queueArn, resolved);
    verifyQueue(this.parts.context, queueArn, resolved);
    return reference;
  }
}

function verifyRole(context: CloudContext, queueArn: string, { definition }: ResolvedFunction): void {
  const principal = new RoleSession(context).principalFor(definition);
  const resourceAccountId = queueArn.split(":")[4] ?? "";
  for (const operation of ROLE_ACTIONS) {
    const question = { principal, action: `sqs:${operation}`, resource: queueArn, resourceAccountId };
    if (context.access.decide(question).allowed) continue;
    throw invalid(`The function execution role does not have permissions to call ${operation} on SQS`);
  }
}

function verifyQueue(context: CloudContext, queueArn: string, { definition }: ResolvedFunction): void {
  const queue = context.queues.describe(queueArn);
  if (!queue) {
    throw invalid(
      "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. " +
        "SQS Error Message: The specified queue does not exist for this wsdl version.",
    );
  }
  const { visibilityTimeoutSeconds: visibility } = queue;
  const { timeoutSeconds } = definition;
  if (timeoutSeconds <= visibility) return;
  throw invalid(
    `Queue visibility timeout: ${String(visibility)} seconds is less than Function timeout: ${String(timeoutSeconds)} seconds`,
  );
}

function invalid(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", message);
}
