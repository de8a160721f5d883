// Proves the uploader against a strict stand-in of API and S3 over real HTTP: byte-exact results, retries, resumption, pause,
// cancel, routes and error mapping. Progress in a real browser is proven by the browser tests.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  createEnvironment,
  createMemoryStore,
  createUploader,
  type Environment,
  type Upload,
  type UploadError,
  type Uploader,
  type UploaderOptions,
} from "../../../clients/upload";
import { checksumOf, createFastClock, createFile, type FakeSettings, UploadFake } from "../../support/upload-fake";

const KIB = 1024;

describe("Uploader", () => {
  let fake: UploadFake;
  const clock = createFastClock(200);

  async function serve(settings: Partial<FakeSettings> = {}): Promise<void> {
    await fake.stop();
    fake = await UploadFake.start({ clock, minimumPartBytes: KIB, ...settings });
  }

  function open(environment: Partial<Environment> = {}, options: Partial<UploaderOptions> = {}): Uploader {
    return createUploader({
      configuration: fake.configuration,
      authorize: () => Promise.resolve({ authorization: "Bearer good" }),
      environment: createEnvironment({ clock, ...environment }),
      ...options,
    });
  }

  function randomFile(
    size: number,
    name?: string,
  ): { bytes: Buffer<ArrayBuffer>; file: ReturnType<typeof createFile> } {
    const bytes = Buffer.from(randomBytes(size));
    return { bytes, file: createFile(bytes, name) };
  }

  /** On a clock that runs ahead of a busy machine the last parts may look slow, and are raced by a second try. */
  const assertSentOnce = (parts: number): void => {
    const sent = fake.count("part");
    assert.ok(sent >= parts && sent < 2 * parts, `${String(sent)} parts were sent`);
  };
  /** For tests that count the tries of a part: in real time no part looks slow enough to be raced. */
  const realTime = { clock: createFastClock(1) };
  const QUICK_RETRY = { attempts: 8, baseMs: 1, capMs: 10 };
  const triesOf = (part: number): number => fake.calls.filter(({ partNumber }) => partNumber === part).length;

  const failsWith = (code: string) => (error: UploadError) => {
    assert.equal(error.code, code, error.message);
    return true;
  };

  beforeEach(async () => {
    fake = await UploadFake.start({ clock, minimumPartBytes: KIB });
  });
  afterEach(() => fake.stop());

  it("U28: sends the parts of one file in parallel and completes it byte for byte", async () => {
    const { bytes, file } = randomFile(20 * KIB + 5);
    let together = 0;
    let most = 0;
    fake.onPart = async () => {
      most = Math.max(most, ++together);
      await new Promise((resolve) => setImmediate(resolve));
      together--;
    };

    const done = await open({ clock: createFastClock(1) })
      .upload(file, { partSize: KIB })
      .done();

    assert.equal(done.state, "completed");
    assert.deepEqual(fake.objects, [bytes]);
    assert.ok(most > 1, `${most} parts at once`);
    assert.equal(fake.count("part"), 21);
  });

  it("sends real parts of 5 MiB", async () => {
    await serve({ minimumPartBytes: 5 * KIB ** 2 });
    const { bytes, file } = randomFile(11 * KIB ** 2);

    await open({ clock: createFastClock(1) })
      .upload(file)
      .done();

    assert.ok(fake.objects[0]?.equals(bytes));
    assert.equal(fake.count("part"), 3);
  });

  it("makes no call for a new file that it does not need", async () => {
    const { file } = randomFile(KIB);

    await open().upload(file).done();

    assert.deepEqual(
      fake.calls.map(({ kind }) => kind),
      ["list", "start", "sign", "part", "complete"],
    );
  });

  it("completes an empty file as one empty part", async () => {
    const { bytes, file } = randomFile(0);

    await open().upload(file).done();

    assert.deepEqual(fake.objects, [bytes]);
  });

  it("U4: signs no more parts per call than the server allows, and only shortly before they are sent", async () => {
    await serve({ signWindow: 5 });
    const { file } = randomFile(30 * KIB);

    await open().upload(file, { partSize: KIB }).done();

    const sizes = fake.calls.filter(({ kind }) => kind === "sign").map(({ partNumbers }) => partNumbers!.length);
    assert.ok(Math.max(...sizes) <= 5);
    assert.equal(
      sizes.reduce((a, b) => a + b),
      30,
    );
  });

  it("U12: tries a part again after lost connections, throttling and server errors", async () => {
    const faults = [
      { type: "drop" },
      { type: "status", status: 503, code: "SlowDown" },
      { type: "status", status: 500, code: "InternalError" },
      { type: "dropAnswer" },
    ] as const;
    let failures = 0;
    fake.fault = ({ partNumber }) => (partNumber === 2 ? faults[failures++] : undefined);
    const { bytes, file } = randomFile(3 * KIB);

    await open(realTime, { retry: QUICK_RETRY }).upload(file, { partSize: KIB }).done();

    assert.deepEqual(fake.objects, [bytes]);
    assert.deepEqual([triesOf(2), triesOf(1)], [5, 1]);
  });

  it("U12: asks for a new signature after a 403 before the next try", async () => {
    let refused = false;
    fake.fault = ({ partNumber }) => {
      if (partNumber !== 1 || refused) return undefined;
      refused = true;
      return { type: "status", status: 403, code: "AccessDenied" };
    };
    const { file } = randomFile(KIB);

    await open().upload(file, { partSize: KIB }).done();

    assert.deepEqual(
      fake.calls.map(({ kind }) => kind).filter((kind) => kind === "sign" || kind === "part"),
      ["sign", "part", "sign", "part"],
    );
  });

  it("reads and hashes a part again when its bytes changed on the way", async () => {
    let corrupted = false;
    fake.fault = ({ kind }) => {
      if (kind !== "part" || corrupted) return undefined;
      corrupted = true;
      return { type: "corrupt" };
    };
    const { bytes, file } = randomFile(KIB);

    await open().upload(file).done();

    assert.deepEqual(fake.objects, [bytes]);
  });

  it("fails when the ETag is hidden and names the CORS setting", async () => {
    fake.fault = ({ kind }) => (kind === "part" ? { type: "hideETag" } : undefined);
    const { file } = randomFile(KIB);

    const upload = open().upload(file);

    await assert.rejects(upload.done(), (error: UploadError) => error.message.includes("ExposeHeaders"));
    assert.equal(upload.state, "failed");
    assert.equal(fake.count("part"), 1);
  });

  it("fails when S3 refuses a part for good, without another try", async () => {
    fake.fault = ({ kind }) => (kind === "part" ? { type: "status", status: 400, code: "InvalidArgument" } : undefined);
    const { file } = randomFile(KIB);

    await assert.rejects(open().upload(file).done(), failsWith("PartRefused"));

    assert.equal(fake.count("part"), 1);
  });

  it("fails when a part is lost on every try, keeps the others, and finishes after resume()", async () => {
    let broken = true;
    fake.fault = ({ partNumber }) => (broken && partNumber === 2 ? { type: "drop" } : undefined);
    const { bytes, file } = randomFile(3 * KIB);
    const upload = open(realTime, { retry: { ...QUICK_RETRY, attempts: 3 } }).upload(file, { partSize: KIB });
    await assert.rejects(upload.done(), failsWith("Network"));

    assert.equal(triesOf(2), 3);
    const before = fake.calls.length;
    broken = false;
    upload.resume();
    await upload.done();

    assert.deepEqual(fake.objects, [bytes]);
    const sentAgain = fake.calls.slice(before).flatMap(({ kind, partNumber }) => (kind === "part" ? partNumber : []));
    assert.deepEqual(sentAgain, [2]);
  });

  it("fetches new credentials once after a 401", async () => {
    const seen: boolean[] = [];
    const { file } = randomFile(KIB);
    let token = "old";
    const uploader = open(
      {},
      {
        authorize: ({ refused }) => {
          seen.push(refused);
          if (refused) token = "good";
          return Promise.resolve({ authorization: `Bearer ${token}` });
        },
      },
    );

    await uploader.upload(file).done();

    assert.deepEqual(seen.slice(0, 3), [false, true, false]);
  });

  it("fails when credentials are refused twice", async () => {
    const { file } = randomFile(KIB);
    const uploader = open({}, { authorize: () => Promise.resolve({ authorization: "Bearer bad" }) });

    await assert.rejects(uploader.upload(file).done(), failsWith("Unauthenticated"));

    assert.equal(fake.calls.length, 2);
  });

  it("fails at once when a quota is used up, although its status is that of throttling", async () => {
    fake.fault = ({ kind }) => (kind === "start" ? { type: "status", status: 429, code: "QuotaExceeded" } : undefined);
    const { file } = randomFile(KIB);

    await assert.rejects(open().upload(file).done(), failsWith("QuotaExceeded"));

    assert.equal(fake.count("start"), 1);
  });

  it("rejects a file above the limit before any call", () => {
    const { file } = randomFile(2);
    const uploader = open({}, { configuration: { ...fake.configuration, maximumFileBytes: 1 } });

    assert.throws(() => uploader.upload(file), failsWith("FileTooLarge"));

    assert.equal(fake.calls.length, 0);
  });

  describe("U10: resumption", () => {
    /** Sends part 1 and 2, then ends as a closed tab does. */
    async function leaveHalfDone(
      file: ReturnType<typeof createFile>,
      environment: Partial<Environment>,
    ): Promise<void> {
      fake.fault = ({ partNumber }) =>
        partNumber && partNumber > 2 ? { type: "status", status: 400, code: "TabClosed" } : undefined;
      await assert.rejects(open(environment).upload(file, { partSize: KIB, parallel: 1 }).done());
      fake.fault = () => undefined;
      fake.calls.length = 0;
    }

    const sentParts = (): number[] => fake.calls.flatMap(({ partNumber }) => partNumber ?? []).sort();

    it("goes on after a reload from what the store remembers and sends no finished part again", async () => {
      const store = createMemoryStore();
      const { bytes, file } = randomFile(4 * KIB);
      await leaveHalfDone(file, { store });

      await open({ store }).upload(file, { partSize: KIB }).done();

      assert.deepEqual(sentParts(), [3, 4]);
      assert.equal(fake.uploads.size, 1);
      assert.equal(fake.count("list"), 0);
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("goes on with an upload whose start was answered into the void", async () => {
      const store = createMemoryStore();
      const { bytes, file } = randomFile(KIB);
      fake.fault = ({ kind }) => (kind === "start" ? { type: "dropAnswer" } : undefined);
      await assert.rejects(
        open({ store }, { retry: { attempts: 1, baseMs: 1, capMs: 1 } })
          .upload(file)
          .done(),
      );
      fake.fault = () => undefined;

      await open({ store }).upload(file).done();

      assert.equal(fake.uploads.size, 1);
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("keeps to its request when the repeated start is refused, and leaves no second upload behind", async () => {
      const first = Promise.withResolvers<void>();
      const sent = Promise.withResolvers<void>();
      fake.fault = ({ kind }) => {
        if (kind !== "start" || fake.count(kind) > 2) return undefined;
        sent.resolve();
        if (fake.count(kind) === 1) return { type: "hold", until: first.promise };
        return { type: "status", status: 403, code: "UploadNotYours" };
      };
      const { file } = randomFile(KIB);
      const upload = open().upload(file);
      await sent.promise;
      await upload.pause();
      upload.resume();
      await assert.rejects(upload.done(), failsWith("UploadNotYours"));

      await upload.cancel();
      first.resolve();

      assert.equal(upload.state, "cancelled");
      await fake.stop();
      assert.deepEqual(
        [...fake.uploads.values()].map(({ description }) => description.state),
        ["aborted"],
      );
    });

    it("finds the upload by its fingerprint on another device", async () => {
      const { bytes, file } = randomFile(4 * KIB);
      await leaveHalfDone(file, {});

      await open().upload(file).done();

      assert.deepEqual(sentParts(), [3, 4]);
      assert.equal(fake.count("start"), 0);
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("goes on with a named upload", async () => {
      const { bytes, file } = randomFile(4 * KIB);
      await leaveHalfDone(file, {});
      const other = createFile(bytes, "renamed.mp4", 99);

      await open().upload(other, { uploadId: fake.open[0]!.description.uploadId }).done();

      assert.deepEqual(sentParts(), [3, 4]);
    });

    it("fails when the file has changed since its parts were sent", async () => {
      const { bytes, file } = randomFile(4 * KIB);
      await leaveHalfDone(file, {});
      const changed = Buffer.from(bytes);
      changed[7]! ^= 1;

      const upload = open().upload(createFile(changed));

      await assert.rejects(upload.done(), failsWith("FileChanged"));
      assert.equal(fake.objects.length, 0);
    });

    it("fails when a named upload belongs to a file of another size", async () => {
      const { file } = randomFile(4 * KIB);
      await leaveHalfDone(file, {});

      const upload = open().upload(randomFile(5).file, { uploadId: fake.open[0]!.description.uploadId });

      await assert.rejects(upload.done(), failsWith("FileChanged"));
    });

    it("finds the file complete when only the answer to its completion was lost", async () => {
      const store = createMemoryStore();
      const { file } = randomFile(KIB);
      fake.fault = ({ kind }) => (kind === "complete" ? { type: "dropAnswer" } : undefined);
      await assert.rejects(
        open({ store }, { retry: { attempts: 1, baseMs: 1, capMs: 1 } })
          .upload(file)
          .done(),
      );
      fake.fault = () => undefined;

      await open({ store }).upload(file).done();

      assert.equal(fake.objects.length, 1);
      assert.equal(fake.count("part"), 1);
    });

    for (const state of ["abandoned", "failed", "deleted"] as const) {
      it(`starts afresh when the remembered upload is ${state}`, async () => {
        const store = createMemoryStore();
        const { bytes, file } = randomFile(3 * KIB);
        await leaveHalfDone(file, { store });
        const [old] = fake.open;
        old!.description = { ...old!.description, state };

        await open({ store }).upload(file).done();

        assert.equal(fake.uploads.size, 2);
        assert.deepEqual(fake.objects, [bytes]);
      });
    }

    it("fails when the object of a named upload has been deleted", async () => {
      const { file } = randomFile(3 * KIB);
      await leaveHalfDone(file, {});
      const [old] = fake.open;
      old!.description = { ...old!.description, state: "deleted" };

      const upload = open().upload(file, { uploadId: old!.description.uploadId });

      await assert.rejects(upload.done(), failsWith("UploadNotOpen"));
      assert.equal(fake.count("sign"), 0);
    });

    it("lets a second tab wait and finds the file complete", async () => {
      let tail: Promise<unknown> = Promise.resolve();
      const locks: Environment["locks"] = {
        hold: (_name, _signal, work) => {
          const result = tail.then(work);
          tail = result.catch(() => undefined);
          return result;
        },
      };
      const store = createMemoryStore();
      const { file } = randomFile(8 * KIB);
      const first = open({ store, locks }).upload(file, { partSize: KIB });
      await reached(first, "uploading");

      const second = open({ store, locks }).upload(file, { partSize: KIB });
      const results = await Promise.all([first.done(), second.done()]);

      assert.equal(results[0].uploadId, results[1].uploadId);
      assertSentOnce(8);
    });

    it("ends byte-exact when two tabs without locks send the same upload", async () => {
      const store = createMemoryStore();
      const { bytes, file } = randomFile(16 * KIB);
      const first = open({ store }).upload(file, { partSize: KIB, parallel: 2 });
      await reached(first, "uploading");

      await Promise.all([first.done(), open({ store }).upload(file).done()]);

      assert.deepEqual(fake.objects, [bytes]);
      assert.equal(fake.open.length, 0);
    });
  });

  describe("U11: pause, resume and cancel", () => {
    /** Holds every part from the third on, until `release`. */
    function hold(): { held: Promise<void>; release: () => void } {
      const held = Promise.withResolvers<void>();
      const gate = Promise.withResolvers<void>();
      let seen = 0;
      fake.onPart = async () => {
        if (++seen < 3) return;
        held.resolve();
        await gate.promise;
      };
      return { held: held.promise, release: () => gate.resolve() };
    }

    it("keeps what has arrived over a pause and sends only the rest", async () => {
      const { held, release } = hold();
      const { bytes, file } = randomFile(6 * KIB);
      const upload = open().upload(file, { partSize: KIB, parallel: 1 });
      await held;

      await upload.pause();
      assert.equal(upload.state, "paused");
      assert.equal(upload.progress.activeConnections, 0);
      release();
      fake.calls.length = 0;
      upload.resume();
      await upload.done();

      assert.ok(fake.calls.every(({ partNumber }) => partNumber !== 1 && partNumber !== 2));
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("U9: cancels in the middle and leaves nothing on the server or in the store", async () => {
      const { held, release } = hold();
      const store = new Map<string, string>();
      const { file } = randomFile(6 * KIB);
      const environment = {
        store: {
          get: (key: string) => store.get(key) ?? null,
          set: (key: string, value: string) => void store.set(key, value),
          remove: (key: string) => void store.delete(key),
        },
      };
      const upload = open(environment).upload(file, { partSize: KIB });
      await held;

      await upload.cancel();
      release();

      assert.equal(upload.state, "cancelled");
      assert.equal(fake.open.length, 0);
      assert.equal(store.size, 0);
      await assert.rejects(upload.done(), failsWith("Cancelled"));
    });

    it("removes an upload that was started while the answer was still on its way", async () => {
      const started = Promise.withResolvers<void>();
      fake.fault = ({ kind }) => {
        if (kind !== "start") return undefined;
        started.resolve();
        return fake.count("start") === 1 ? { type: "dropAnswer" } : undefined;
      };
      const { file } = randomFile(KIB);
      const upload = open().upload(file);
      await started.promise;

      await upload.cancel();

      assert.equal(upload.state, "cancelled");
      assert.deepEqual(
        [...fake.uploads.values()].map(({ description }) => description.state),
        ["aborted"],
      );
    });

    for (const [code, status] of [
      ["QuotaExceeded", 429],
      ["ContentTypeNotAllowed", 415],
    ] as const) {
      it(`cancels an upload whose start is refused with ${code}`, async () => {
        fake.fault = ({ kind }) => (kind === "start" ? { type: "status", status, code } : undefined);
        const upload = open().upload(randomFile(KIB).file);
        await assert.rejects(upload.done(), failsWith(code));

        await upload.cancel();

        assert.equal(upload.state, "cancelled");
      });
    }

    it("cancels when the caller's signal aborts", async () => {
      const { held, release } = hold();
      const controller = new AbortController();
      const { file } = randomFile(4 * KIB);
      const upload = open().upload(file, { partSize: KIB, signal: controller.signal });
      await held;

      controller.abort();

      await assert.rejects(upload.done(), failsWith("Cancelled"));
      release();
      assert.equal(fake.open.length, 0);
    });

    it("waits for the network without using up tries", async () => {
      let online = true;
      const waiting: (() => void)[] = [];
      const offline = Promise.withResolvers<void>();
      const connectivity = {
        isOnline: () => online,
        onceOnline: (callback: () => void) => {
          waiting.push(callback);
          offline.resolve();
          return () => undefined;
        },
      };
      fake.fault = ({ kind }) => {
        if (kind === "part" && fake.count("part") === 1) online = false;
        return online || kind !== "part" ? undefined : { type: "drop" };
      };
      const { bytes, file } = randomFile(3 * KIB);
      const upload = open({ connectivity }, { retry: { attempts: 1, baseMs: 1, capMs: 1 } }).upload(file, {
        partSize: KIB,
        parallel: 1,
      });
      await offline.promise;
      assert.equal(upload.progress.online, false);

      online = true;
      for (const callback of waiting) callback();
      await upload.done();

      assert.deepEqual(fake.objects, [bytes]);
    });
  });

  describe("U13: acceleration", () => {
    const routes = (): (string | undefined)[] =>
      fake.calls.filter(({ kind }) => kind === "part").map(({ route }) => route);

    it("measures both hosts and takes the faster", async () => {
      await serve({ acceleration: true });
      fake.fault = ({ route }) => (route === "direct" ? { type: "delay", milliseconds: 20_000 } : undefined);
      const { bytes, file } = randomFile(40 * KIB);
      const upload = open().upload(file, { partSize: KIB });

      await upload.done();

      assert.deepEqual(fake.objects, [bytes]);
      const used = routes();
      assert.ok(used.includes("direct"));
      assert.ok(used.filter((route) => route === "accelerated").length > 25, used.join());
    });

    it("falls back to the direct host when the accelerated one fails, without losing a part", async () => {
      await serve({ acceleration: true });
      fake.fault = ({ route }) => (route === "accelerated" ? { type: "drop" } : undefined);
      const { bytes, file } = randomFile(12 * KIB);

      await open().upload(file, { partSize: KIB, acceleration: "on" }).done();

      assert.deepEqual(fake.objects, [bytes]);
    });

    it("never uses the accelerated host when it is off", async () => {
      await serve({ acceleration: true });
      let failures = 0;
      fake.fault = ({ kind }) => (kind === "part" && failures++ < 4 ? { type: "drop" } : undefined);
      const { file } = randomFile(6 * KIB);

      await open().upload(file, { partSize: KIB, acceleration: "off" }).done();

      assert.ok(routes().every((route) => route === "direct"));
    });
  });

  describe("completion", () => {
    it("U24: repeats a completion whose answer was lost", async () => {
      fake.fault = ({ kind }) =>
        kind === "complete" && fake.count("complete") === 1 ? { type: "dropAnswer" } : undefined;
      const { bytes, file } = randomFile(2 * KIB);

      await open().upload(file, { partSize: KIB }).done();

      assert.equal(fake.count("complete"), 2);
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("U6: sends the checksum of the whole file", async () => {
      const { bytes, file } = randomFile(9 * KIB + 1);

      await open().upload(file, { partSize: KIB }).done();

      assert.equal(await checksumOf(fake.objects[0]!), await checksumOf(bytes));
    });

    it("waits for another device's completion when its own is refused, and takes the outcome", async () => {
      let described = 0;
      fake.fault = ({ kind }) => {
        const upload = fake.open[0] ?? [...fake.uploads.values()][0];
        if (kind === "complete") {
          upload!.description = { ...upload!.description, state: "completing" };
          return { type: "status", status: 409, code: "UploadNotOpen" };
        }
        if (kind === "describe" && ++described === 4)
          upload!.description = { ...upload!.description, state: "completed" };
        return undefined;
      };
      const { file } = randomFile(3 * KIB);

      // Slower than in other tests, so that no call times out on a busy machine.
      const done = await open({ clock: createFastClock(50) })
        .upload(file, { partSize: KIB })
        .done();

      assert.equal(done.state, "completed");
      assert.deepEqual([described, fake.count("complete")], [4, 1]);
      assertSentOnce(3);
    });

    it("repeats its own completion when the other one never ends", async () => {
      fake.fault = ({ kind }) => {
        const [upload] = fake.uploads.values();
        if (kind !== "complete") return undefined;
        const first = fake.count("complete") === 1;
        upload!.description = { ...upload!.description, state: first ? "completing" : "open" };
        return first ? { type: "status", status: 409, code: "UploadNotOpen" } : undefined;
      };
      const { bytes, file } = randomFile(3 * KIB);

      await open().upload(file, { partSize: KIB }).done();

      assert.ok(fake.count("describe") >= 30, "it did not wait first");
      assert.deepEqual(fake.objects, [bytes]);
    });

    it("U8: starts a fresh upload once when S3 reports a conflict", async () => {
      fake.fault = ({ kind }) =>
        kind === "complete" && fake.count("complete") === 1
          ? { type: "status", status: 409, code: "UploadConflict" }
          : undefined;
      const { bytes, file } = randomFile(3 * KIB);

      await open().upload(file, { partSize: KIB }).done();

      assert.deepEqual(
        [...fake.uploads.values()].map(({ description }) => description.state),
        ["aborted", "completed"],
      );
      assert.deepEqual(fake.objects, [bytes]);
      assertSentOnce(6);
    });

    it("fails when S3 reports a conflict a second time", async () => {
      fake.fault = ({ kind }) =>
        kind === "complete" ? { type: "status", status: 409, code: "UploadConflict" } : undefined;
      const { file } = randomFile(KIB);

      await assert.rejects(open().upload(file).done(), failsWith("UploadConflict"));

      assert.equal(fake.uploads.size, 2);
    });

    it("U8: fails when the object exists already", async () => {
      fake.fault = ({ kind }) =>
        kind === "complete" ? { type: "status", status: 409, code: "AlreadyExists" } : undefined;
      const { file } = randomFile(KIB);

      await assert.rejects(open().upload(file).done(), failsWith("AlreadyExists"));
    });

    it("sends again what the server turns out not to hold", async () => {
      let lost = false;
      fake.fault = ({ kind }) => {
        if (kind === "complete" && !lost) {
          lost = true;
          fake.open[0]!.parts.delete(2);
        }
        return undefined;
      };
      const { bytes, file } = randomFile(3 * KIB);

      await open(realTime).upload(file, { partSize: KIB }).done();

      assert.equal(triesOf(2), 2);
      assert.deepEqual(fake.objects, [bytes]);
    });
  });

  it("reports state and progress, from nothing to everything", async () => {
    const { file } = randomFile(8 * KIB);
    const upload = open().upload(file, { partSize: KIB });
    const states: string[] = [];
    const bytes: number[] = [];
    upload.on("state", (state) => states.push(state));
    upload.on("progress", (progress) => bytes.push(progress.bytes));

    await upload.done();

    assert.deepEqual(states, ["uploading", "completing", "completed"]);
    assert.equal(bytes.at(-1), 8 * KIB);
    assert.deepEqual(
      bytes,
      [...bytes].sort((a, b) => a - b),
    );
    assert.equal(upload.progress.finishedParts, 8);
  });

  it("races the last part when it takes far longer than the others", async () => {
    const gate = Promise.withResolvers<void>();
    let tries = 0;
    fake.onPart = async ({ partNumber }) => {
      if (partNumber === 5 && ++tries === 1) await gate.promise;
    };
    const { bytes, file } = randomFile(8 * KIB);

    await open().upload(file, { partSize: KIB }).done();
    gate.resolve();

    assert.equal(tries, 2);
    assert.deepEqual(fake.objects, [bytes]);
  });
});

function reached(upload: Upload, state: string): Promise<void> {
  return new Promise((resolve) => {
    if (upload.state === state) {
      resolve();
      return;
    }
    const stop = upload.on("state", (now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
}
