// Proves on the model level: whatever gets lost, delayed, doubled, refused, expired or altered, and wherever the tab is closed,
// paused or cut off, the result is a byte-exact object or a clean abort, and no upload stays open. The same against the embedded
// cloud is proven by its own tests.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createEnvironment, createMemoryStore, createUploader, type Upload } from "../../../clients/upload";
import { createFastClock, createFile, type Fault, UploadFake } from "../../support/upload-fake";

const KIB = 1024;

const fault = fc.oneof(
  { weight: 6, arbitrary: fc.constant(undefined) },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fault>(
      { type: "drop" },
      { type: "dropAnswer" },
      { type: "duplicate" },
      { type: "corrupt" },
      { type: "delay", milliseconds: 300 },
      { type: "delay", milliseconds: 3_000 },
      { type: "status", status: 500, code: "InternalError" },
      { type: "status", status: 503, code: "SlowDown" },
      { type: "status", status: 403, code: "AccessDenied" },
    ),
  },
);

/** What the person (or the machine) does after a number of requests. */
const interruption = fc.record({
  afterCalls: fc.integer({ min: 1, max: 30 }),
  action: fc.constantFrom("pause", "closeTab", "cancel", "expire"),
});

const scenario = fc.record({
  size: fc.integer({ min: 0, max: 24 * KIB }),
  partSize: fc.integer({ min: KIB, max: 6 * KIB }),
  acceleration: fc.constantFrom("auto" as const, "on" as const, "off" as const),
  faults: fc.array(fault, { maxLength: 40 }),
  interruptions: fc.array(interruption, { maxLength: 3 }),
});

describe("Uploader under random faults", () => {
  it("U33: ends with a byte-exact object or a clean abort, and never leaves an upload open", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(scenario, async (plan) => {
        const clock = createFastClock(1_000);
        const fake = await UploadFake.start({ clock, minimumPartBytes: KIB, acceleration: true, signWindow: 4 });
        try {
          await run(fake, clock, plan);
        } finally {
          await fake.stop();
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
    );
  });
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

async function run(fake: UploadFake, clock: ReturnType<typeof createFastClock>, plan: Scenario): Promise<void> {
  const bytes = Buffer.from(Array.from({ length: plan.size }, (_, index) => (index * 31 + (index >> 8)) & 255));
  const file = createFile(bytes);
  const store = createMemoryStore();
  const open = (): Upload =>
    createUploader({
      configuration: fake.configuration,
      authorize: () => Promise.resolve({ authorization: "Bearer good" }),
      environment: createEnvironment({ clock, store }),
      stallMs: 20_000,
    }).upload(file, { partSize: plan.partSize, acceleration: plan.acceleration });
  let upload = open();
  const interruptions = [...plan.interruptions];
  const faults = [...plan.faults];
  let cancelling: Promise<void> | undefined;
  let reopened: Promise<void> | undefined;
  fake.fault = () => {
    const next = interruptions[0];
    if (next && fake.calls.length >= next.afterCalls) {
      interruptions.shift();
      if (next.action === "cancel") cancelling ??= upload.cancel();
      else if (next.action === "expire") fake.expireSignatures();
      else reopened ??= interrupt(next.action);
    }
    return faults.shift();
  };
  // A closed tab pauses for ever; the new one knows only what the store and the server know.
  async function interrupt(action: "pause" | "closeTab"): Promise<void> {
    await upload.pause();
    if (action === "pause") upload.resume();
    else if (upload.state === "paused") upload = open();
    reopened = undefined;
  }

  do {
    await settled(upload);
    await reopened;
    await cancelling;
  } while (!["completed", "failed", "cancelled"].includes(upload.state));

  fake.fault = () => undefined;
  if (upload.state === "failed") await upload.cancel();
  if (upload.state === "completed") assert.ok(fake.objects.some((object) => object.equals(bytes)));
  else assert.equal(upload.state, "cancelled");
  assert.ok(fake.objects.length <= 1 && fake.objects.every((object) => object.equals(bytes)));
  assert.equal(fake.open.length, 0, "open uploads");
}

/** Resolves when nothing more will happen by itself. */
function settled(upload: Upload): Promise<void> {
  return new Promise((resolve) => {
    const check = (state: string): void => {
      if (["completed", "failed", "cancelled", "paused"].includes(state)) {
        stop();
        resolve();
      }
    };
    const stop = upload.on("state", check);
    check(upload.state);
  });
}
