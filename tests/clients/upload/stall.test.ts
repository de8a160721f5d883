// Proves how long the uploader waits for a part: one that stands still is sent again, one that moves is left alone, however slow it is.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import {
  createEnvironment,
  createUploader,
  fetchTransport,
  type PartRequest,
  type Upload,
} from "../../../clients/upload";
import { VirtualClock } from "../../../local/cloud/core/clock";
import { createFile, UploadFake } from "../../support/upload-fake";

const KIB = 1024;
/** The default of `stallMs`, and the time between two looks at it. */
const STALL_MS = 45_000;
const TICK_MS = 500;

describe("Uploader on a line that stands still", () => {
  let clock: VirtualClock;
  let fake: UploadFake;
  beforeEach(async () => {
    clock = new VirtualClock();
    fake = await UploadFake.start({ clock, minimumPartBytes: KIB });
  });
  afterEach(() => fake.stop());

  /** Uploads one part, whose first try waits for what the test does with it; further tries arrive. */
  async function send(
    bytes: Buffer<ArrayBuffer>,
    reportsProgress: boolean,
  ): Promise<{ upload: Upload; first: PartRequest; answer: () => void; tries: () => number }> {
    const real = fetchTransport((input, init) => fetch(input, init));
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<PartRequest>();
    let tries = 0;
    const upload = createUploader({
      configuration: fake.configuration,
      authorize: () => Promise.resolve({ authorization: "Bearer good" }),
      environment: createEnvironment({
        clock,
        transport: {
          reportsProgress,
          async send(request) {
            if (++tries > 1) return real.send(request);
            begun.resolve(request);
            await Promise.race([held.promise, once(request.signal, "abort")]);
            request.signal.throwIfAborted();
            return real.send(request);
          },
        },
      }),
    }).upload(createFile(bytes));
    return { upload, first: await begun.promise, answer: held.resolve, tries: () => tries };
  }

  async function finish(upload: Upload): Promise<void> {
    while (upload.state !== "completed") {
      assert.notEqual(upload.state, "failed", upload.error?.message);
      await clock.advance(TICK_MS);
      await setImmediate();
    }
  }

  it("sends a part again that has not moved for 45 s, and not before", async () => {
    const bytes = Buffer.alloc(KIB, 1);
    const { upload, first, tries } = await send(bytes, true);

    await clock.advance(STALL_MS - TICK_MS);
    assert.equal(first.signal.aborted, false);
    await clock.advance(2 * TICK_MS);
    assert.equal(first.signal.aborted, true);

    await finish(upload);
    assert.deepEqual([fake.objects, tries()], [[bytes], 2]);
  });

  it("leaves a part alone that moves once in 40 s", async () => {
    const bytes = Buffer.alloc(4 * KIB, 2);
    const { upload, first, answer, tries } = await send(bytes, true);

    for (let sent = KIB; sent <= 4 * KIB; sent += KIB) {
      await clock.advance(40_000);
      first.onProgress(sent);
    }
    answer();

    await finish(upload);
    assert.deepEqual([fake.objects, tries()], [[bytes], 1]);
  });

  it("waits a second longer for each 32 KiB where nothing is known of progress", async () => {
    const bytes = Buffer.alloc(320 * KIB, 3);
    const { upload, first, tries } = await send(bytes, false);

    await clock.advance(STALL_MS + 10_000 - TICK_MS);
    assert.equal(first.signal.aborted, false);
    await clock.advance(2 * TICK_MS);
    assert.equal(first.signal.aborted, true);

    await finish(upload);
    assert.deepEqual([fake.objects, tries()], [[bytes], 2]);
  });
});
