// The queues that exist, and what connects them: dead-letter queues and waiting receivers.
import { recordAct } from "../core/acts";
import { AwsError } from "../core/errors";
import type { CloudContext } from "../core/service";
import type { Activity } from "./activity";
import { invalidParameter, queueDoesNotExist } from "./errors";
import { LongPolls } from "./long-polls";
import { MessageIds, type StoredMessage } from "./message";
import { Queue, type QueueEvents, type QueueIdentity } from "./queue";
import { admitsSource, placeOfArn, type QueuePlace } from "./redrive-policy";
import { type AttributeTexts, checkAttributes, mergeAttributes, settingsOf } from "./settings";

/** ARN of a queue. */
export function queueArn({ region, accountId, name }: QueuePlace): string {
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

/** URL of a queue, with AWS's own host. */
export function queueUrl({ region, accountId, name }: QueuePlace): string {
  return `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
}

/** All queues of the embedded cloud. */
export class Queues implements QueueEvents {
  readonly ids: MessageIds;
  private readonly queues = new Map<string, Queue>();
  private readonly polls = new Map<Queue, LongPolls>();

  constructor(
    private readonly context: CloudContext,
    private readonly activity: Activity,
  ) {
    this.ids = new MessageIds(context);
  }

  all(): readonly Queue[] {
    return [...this.queues.values()];
  }

  get(arn: string): Queue | undefined {
    return this.queues.get(arn);
  }

  /** The queue of an ARN, or QueueDoesNotExist. */
  require(arn: string): Queue {
    const queue = this.queues.get(arn);
    if (queue) return queue;
    throw queueDoesNotExist();
  }

  /** The queue of a URL, AWS's or the local one, or QueueDoesNotExist. @param region of the call: the local URL has none. */
  requireUrl(url: string, region: string): Queue {
    const [, urlRegion, accountId, name] =
      /^https?:\/\/(?:sqs\.([a-z0-9-]+)\.)?[^/]+\/(\d{12})\/([\w.-]+)$/.exec(url) ?? [];
    if (!accountId || !name) {
      throw new AwsError("InvalidAddress", `The address ${url} is not valid for this endpoint.`);
    }
    return this.require(queueArn({ region: urlRegion ?? region, accountId, name }));
  }

  create(place: QueuePlace, urn: string, attributes: AttributeTexts): Queue {
    const arn = queueArn(place);
    if (this.queues.has(arn)) {
      throw new AwsError(
        "QueueNameExists",
        "A queue already exists with the same name and a different value for attributes.",
      );
    }
    this.checkRedrive(arn, attributes);
    const identity: QueueIdentity = { ...place, arn, url: queueUrl(place), urn };
    const key = this.context.uniqueId(16);
    const queue = new Queue(identity, key, settingsOf(arn, attributes), this, this.context.clock.now());
    this.queues.set(arn, queue);
    this.polls.set(queue, new LongPolls(this.context.clock, queue));
    this.context.hosts.add(identity.url, `${this.context.gatewayOrigin()}/${place.accountId}/${place.name}`);
    this.activity.record(queue, "declared", 0);
    return queue;
  }

  delete(queue: Queue): void {
    this.queues.delete(queue.arn);
    this.polls.get(queue)?.stop();
    this.polls.delete(queue);
    this.context.hosts.remove(queue.identity.url);
    this.activity.forget(queue);
  }

  /** Changes attributes. @throws AwsError for what the other queue forbids; the attributes themselves have been checked. */
  configure(queue: Queue, changes: AttributeTexts): void {
    const attributes = mergeAttributes(queue.settings.texts, changes);
    const [problem] = checkAttributes(attributes);
    if (problem) throw new AwsError("InvalidAttributeValue", `Invalid value for the parameter ${problem.attribute}.`);
    if (changes.RedrivePolicy) this.checkRedrive(queue.arn, attributes);
    this.replaceAttributes(queue, attributes);
  }

  /** Sets all attributes, those left out to their defaults. */
  replaceAttributes(queue: Queue, attributes: AttributeTexts): void {
    queue.configure(settingsOf(queue.arn, attributes), this.context.clock.now());
    this.changed(queue);
    this.activity.record(queue, "declared", 0);
  }

  pollsOf(queue: Queue): LongPolls {
    const polls = this.polls.get(queue);
    if (!polls) throw queueDoesNotExist();
    return polls;
  }

  /** Queues whose dead-letter queue is the given one. */
  sourcesOf(deadLetterArn: string): readonly Queue[] {
    return this.all().filter(({ settings }) => settings.redrive?.targetArn === deadLetterArn);
  }

  /** Refuses a redrive policy whose dead-letter queue does not fit. */
  checkRedrive(sourceArn: string, attributes: AttributeTexts): void {
    const text = attributes.RedrivePolicy;
    if (text === undefined) return;
    const reason = this.redriveProblem(sourceArn, settingsOf(sourceArn, attributes).redrive?.targetArn ?? "");
    if (reason) throw invalidParameter(`Value ${text} for parameter RedrivePolicy is invalid. Reason: ${reason}`);
  }

  expired(queue: Queue, messages: number): void {
    this.activity.record(queue, "expired", messages);
  }

  exhausted(queue: Queue, message: StoredMessage): boolean {
    const target = this.queues.get(queue.settings.redrive?.targetArn ?? "");
    if (!target) return false;
    const now = this.context.clock.now();
    const draft = {
      ...message.draft,
      deadLetterSource: queue.arn,
      ...(queue.fifo && { deduplicationId: this.ids.idOf(message.serial) }),
    };
    // On standard queues the retention period counts from the first sending, on FIFO queues it begins anew.
    const moved = target.add(message.serial, draft, queue.fifo ? now : message.sentAt, 0, now, message.receiveCount);
    moved.firstReceivedAt = message.firstReceivedAt;
    this.activity.record(queue, "redriven", 1);
    this.activity.touch(target);
    this.traceRedrive(queue, target, message);
    this.changed(target);
    return true;
  }

  changed(queue: Queue): void {
    this.polls.get(queue)?.wake();
  }

  stop(): void {
    for (const polls of this.polls.values()) polls.stop();
    for (const queue of this.all()) this.delete(queue);
  }

  private redriveProblem(sourceArn: string, targetArn: string): string | undefined {
    const [source, place] = [placeOfArn(sourceArn), placeOfArn(targetArn)];
    if (source?.region !== place?.region) return "Dead-letter queue must be in the same Region as the source.";
    if (source?.accountId !== place?.accountId) return "Dead-letter target owner should be same as the source.";
    const target = this.queues.get(targetArn);
    if (!target) return "Dead letter target does not exist.";
    if (target.fifo !== sourceArn.endsWith(".fifo"))
      return "Dead-letter queue must be same type of queue as the source.";
    if (admitsSource(target.settings.redriveAllow, sourceArn)) return undefined;
    return "The redrive allow policy of the dead-letter queue does not admit this source queue.";
  }

  private traceRedrive(queue: Queue, target: Queue, message: StoredMessage): void {
    recordAct(this.context, {
      service: "sqs",
      caller: "sqs.amazonaws.com",
      operation: "Redrive",
      resource: queue.arn,
      detail: { messageId: this.ids.idOf(message.serial), receives: message.receiveCount, deadLetterQueue: target.arn },
    });
  }
}
