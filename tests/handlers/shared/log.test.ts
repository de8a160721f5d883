// Proves the two kinds of lines that handlers write: log entries and metrics in embedded metric format.
import assert from "node:assert/strict";
import { Log, Metrics } from "../../../handlers/shared/log";

describe("Log lines", () => {
  it("are one JSON object each, with the common fields and the cause of an error", () => {
    const lines: string[] = [];
    const log = new Log({ requestId: "r1" }, (line) => lines.push(line));

    log.info("answered", { status: 200 });
    log.refusal("UploadNotYours");
    log.error("failed", new Error("outer", { cause: new Error("inner") }));
    log.error("failed", "text");

    const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(entries[0], { level: "INFO", message: "answered", requestId: "r1", status: 200 });
    assert.deepEqual(entries[1], { level: "WARN", message: "refused", requestId: "r1", code: "UploadNotYours" });
    assert.deepEqual([entries[2]?.errorMessage, entries[2]?.cause], ["outer", "Error: inner"]);
    assert.equal(entries[3]?.error, "string");
  });
});

describe("Metric lines", () => {
  it("follow the embedded metric format", () => {
    const lines: string[] = [];
    const scope = { namespace: "Space", dimension: "BucketName", dimensionValue: "media" };
    const metrics = new Metrics(
      scope,
      () => 1234,
      (line) => lines.push(line),
    );

    metrics.publish({ name: "Uploads", value: 1, unit: "Count" }, { name: "Size", value: 9, unit: "Bytes" });

    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [
        {
          _aws: {
            Timestamp: 1234,
            CloudWatchMetrics: [
              {
                Namespace: "Space",
                Dimensions: [["BucketName"]],
                Metrics: [
                  { Name: "Uploads", Unit: "Count" },
                  { Name: "Size", Unit: "Bytes" },
                ],
              },
            ],
          },
          BucketName: "media",
          Uploads: 1,
          Size: 9,
        },
      ],
    );
  });
});
