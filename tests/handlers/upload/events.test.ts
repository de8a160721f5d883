// Proves what goes on the bus, and that an event which the bus refuses counts as not emitted.
import assert from "node:assert/strict";
import { AwsJsonClient, EVENTBRIDGE, type Exchange } from "../../../handlers/shared/aws-json";
import { EventBridgeSink } from "../../../handlers/upload/events";
import { CHECKSUM, createRecord, START_TIME } from "../../support/upload-handlers";

function createSink(answer: string): { sink: EventBridgeSink; bodies: string[] } {
  const bodies: string[] = [];
  const exchange: Exchange = async (_url, _headers, body) => {
    bodies.push(body);
    return { status: 200, body: answer };
  };
  const client = new AwsJsonClient(EVENTBRIDGE, {
    region: "eu-west-1",
    endpoint: "http://127.0.0.1",
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    now: () => START_TIME,
    exchange,
  });
  return { sink: new EventBridgeSink(client, "media-bus", "media"), bodies };
}

describe("Upload events", () => {
  it("U20: carry the documented detail", async () => {
    const { sink, bodies } = createSink('{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}');
    const record = createRecord({ state: "completed", checksum: CHECKSUM, versionId: "v1" });

    await sink.publish(record, "uploaded");

    const { Entries } = JSON.parse(bodies[0] ?? "") as { Entries: { Detail: string }[] };
    const { Detail, ...entry } = Entries[0] ?? { Detail: "" };
    assert.deepEqual(entry, {
      Source: "serverless-patterns.uploads",
      DetailType: "Upload Completed",
      EventBusName: "media-bus",
    });
    const { eventId, ...detail } = JSON.parse(Detail) as Record<string, unknown>;
    assert.match(String(eventId), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.deepEqual(detail, {
      version: 1,
      uploadId: record.uploadId,
      tenant: "acme",
      user: "alice",
      bucket: "media",
      key: record.key,
      fileName: "holiday.mp4",
      size: record.size,
      contentType: "video/mp4",
      checksum: CHECKSUM,
      versionId: "v1",
    });
  });

  it("U20: name the reason of a failure, and no checksum", async () => {
    const { sink, bodies } = createSink('{"FailedEntryCount":0}');

    await sink.publish(createRecord({ state: "failed", reason: "AlreadyExists", checksum: CHECKSUM }), "failed");

    assert.match(bodies[0] ?? "", /Upload Failed/);
    assert.match(bodies[0] ?? "", /AlreadyExists/);
    assert.doesNotMatch(bodies[0] ?? "", /checksum/);
  });

  it("fails when the bus refuses the entry inside a 200 answer", async () => {
    const { sink } = createSink(
      '{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"later"}]}',
    );

    await assert.rejects(sink.publish(createRecord(), "abandoned"), { code: "InternalFailure" });
  });
});
