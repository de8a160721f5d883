// Puts the component's events on its bus.
import type { AwsJsonClient } from "../shared/aws-json";
import { AwsCallError } from "../shared/errors";
import { EVENT_DETAIL_TYPES, EVENT_SOURCE } from "./contract";
import type { EventSink } from "./ports";
import { toEventDetail, type PendingEvent, type UploadRecord } from "./upload";

/** Events on Amazon EventBridge. */
export class EventBridgeSink implements EventSink {
  constructor(
    private readonly client: AwsJsonClient,
    private readonly busName: string,
    private readonly bucketName: string,
  ) {}

  async publish(record: UploadRecord, kind: PendingEvent): Promise<void> {
    const entry = {
      Source: EVENT_SOURCE,
      DetailType: EVENT_DETAIL_TYPES[kind],
      Detail: JSON.stringify(toEventDetail(record, kind, this.bucketName)),
      EventBusName: this.busName,
    };
    const answer = await this.client.call("PutEvents", { Entries: [entry] });
    // PutEvents answers 200 also when it refuses an entry.
    if (answer.FailedEntryCount === 0) return;
    const [refused] = (answer.Entries ?? []) as readonly { ErrorCode?: string; ErrorMessage?: string }[];
    throw new AwsCallError(refused?.ErrorCode ?? "Unknown", 200, refused?.ErrorMessage ?? "the event was not taken");
  }
}
