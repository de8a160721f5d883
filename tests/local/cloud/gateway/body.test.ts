// Proves what the gateway checks of S3 bodies: content hashes, aws-chunked with and without signatures, trailers, back-pressure.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { Readable } from "node:stream";
import fc from "fast-check";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { scopeText, sha256Hex, signingKey, signText, emptyHash } from "../../../../local/cloud/gateway/canonical";
import { AwsError } from "../../../../local/cloud/core/errors";
import { AwsChunkedDecoder } from "../../../../local/cloud/gateway/chunked";
import { signRequest } from "../../../../local/cloud/gateway/sign";
import { codeOf, type GatewayRun, region, send, sendSigned, startGateway } from "../../../support/gateway-run";

const put = { method: "PUT" };
const unsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const signedStream = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/** Encodes chunks as a client does that signs each of them. */
function signChunks(
  run: GatewayRun,
  headers: Readonly<Record<string, string>>,
  chunks: readonly string[],
  trailer?: string,
): string {
  const amzDate = headers["x-amz-date"] ?? "";
  const scope = { day: amzDate.slice(0, 8), region, service: "s3" };
  const key = signingKey(run.root.secretAccessKey, scope);
  let previous = /Signature=(\w+)/.exec(headers.authorization ?? "")?.[1] ?? "";
  let wire = "";
  for (const chunk of [...chunks, ""]) {
    previous = signText(
      key,
      ["AWS4-HMAC-SHA256-PAYLOAD", amzDate, scopeText(scope), previous, emptyHash, sha256Hex(chunk)].join("\n"),
    );
    wire += `${Buffer.byteLength(chunk).toString(16)};chunk-signature=${previous}\r\n${chunk}${chunk === "" ? "" : "\r\n"}`;
  }
  if (trailer === undefined) return `${wire}\r\n`;
  const signature = signText(
    key,
    ["AWS4-HMAC-SHA256-TRAILER", amzDate, scopeText(scope), previous, sha256Hex(`${trailer}\n`)].join("\n"),
  );
  return `${wire}${trailer}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`;
}

describe("bodies at the gateway", () => {
  let run: GatewayRun;
  beforeEach(async () => {
    run = await startGateway();
  });
  afterEach(() => run.stop());

  it("passes a body on whose hash is signed", async () => {
    const answer = await sendSigned(run, "/b/k", { ...put, body: "content" });

    assert.equal(answer.status, 200);
    assert.equal(run.seen[0]?.sha256, sha256Hex("content"));
  });

  it("passes a body on that is not signed", async () => {
    const answer = await sendSigned(run, "/b/k", { ...put, body: "content", payloadHash: "UNSIGNED-PAYLOAD" });

    assert.equal(answer.status, 200);
    assert.equal(run.seen[0]?.sha256, sha256Hex("content"));
  });

  it("rejects a body that is not the signed one with XAmzContentSHA256Mismatch", async () => {
    const answer = await sendSigned(run, "/b/k", { ...put, body: "content", payloadHash: sha256Hex("other") });

    assert.equal(answer.status, 400);
    assert.equal(codeOf(answer), "XAmzContentSHA256Mismatch");
    assert.match(answer.body, new RegExp(`<S3ComputedContentSHA256>${sha256Hex("content")}<`));
    assert.equal(run.seen.length, 0);
  });

  it("decodes what the SDK sends, checksum trailer included", async () => {
    const client = new S3Client({ endpoint: run.gateway.origin, region, credentials: run.root, maxAttempts: 2 });
    const body = Buffer.alloc(300_000, "x");
    async function* parts(): AsyncGenerator<Buffer> {
      yield body.subarray(0, 100_000);
      yield body.subarray(100_000);
    }

    // The SDK's clock is the machine's: the first answer tells it the gateway's time, the second try fits.
    await client.send(new PutObjectCommand({ Bucket: "b", Key: "k/ö", Body: body, ChecksumAlgorithm: "CRC32C" }));
    await client.send(
      new PutObjectCommand({ Bucket: "b", Key: "k", Body: Readable.from(parts()), ContentLength: body.length }),
    );
    client.destroy();

    assert.deepEqual(
      run.seen.map(({ bytes, sha256 }) => [bytes, sha256]),
      [
        [body.length, sha256Hex(body)],
        [body.length, sha256Hex(body)],
      ],
    );
    assert.equal(run.seen[1]?.call.headers["x-amz-content-sha256"], unsignedTrailer);
    assert.deepEqual(Object.keys(run.seen[1].trailers), ["x-amz-checksum-crc32"]);
  });

  const chunkedHeaders = (length: number, trailer?: string) => ({
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": String(length),
    ...(trailer !== undefined && { "x-amz-trailer": trailer }),
  });
  const sendUnsigned = (body: string, length: number, trailer = "x-amz-checksum-crc32") =>
    sendSigned(run, "/b/k", { ...put, body, payloadHash: unsignedTrailer, headers: chunkedHeaders(length, trailer) });

  it("accepts a well-formed trailer", async () => {
    const answer = await sendUnsigned("4\r\nabcd\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 4);

    assert.equal(answer.status, 200, answer.body);
    assert.deepEqual({ ...run.seen[0]?.trailers }, { "x-amz-checksum-crc32": "AAAAAA==" });
  });

  const malformed: readonly [string, string, string, number][] = [
    ["a body longer than announced", "IncompleteBody", "4\r\nabcd\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n", 3],
    ["a body shorter than announced", "IncompleteBody", "4\r\nabcd\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\n", 5],
    ["a body without a last chunk", "IncompleteBody", "4\r\nabcd\r\n", 4],
    ["a body that ends inside a chunk", "IncompleteBody", "4\r\nab", 4],
    ["a chunk longer than its size", "IncompleteBody", "3\r\nabcd\r\n0\r\n\r\n", 3],
    ["a malformed chunk size", "IncompleteBody", "x\r\nabcd\r\n0\r\n\r\n", 4],
    ["bytes after the last chunk", "IncompleteBody", "4\r\nabcd\r\n0\r\nx-amz-checksum-crc32:A\r\n\r\nmore", 4],
    ["a missing trailer", "MalformedTrailerError", "4\r\nabcd\r\n0\r\n\r\n", 4],
    ["a trailer that was not announced", "MalformedTrailerError", "4\r\nabcd\r\n0\r\nx-amz-checksum-sha1:A\r\n\r\n", 4],
  ];
  for (const [what, code, body, length] of malformed) {
    it(`rejects ${what} with ${code}`, async () => {
      const answer = await sendUnsigned(body, length);

      assert.equal(codeOf(answer), code, answer.body);
      assert.equal(run.seen.length, 0);
    });
  }

  it("rejects an aws-chunked body without x-amz-decoded-content-length with MissingContentLength", async () => {
    const answer = await sendSigned(run, "/b/k", { ...put, body: "0\r\n\r\n", payloadHash: unsignedTrailer });

    assert.equal(answer.status, 411);
    assert.equal(codeOf(answer), "MissingContentLength");
  });

  it("rejects a trailer that the content hash does not announce with InvalidRequest", async () => {
    const headers = chunkedHeaders(0, "x-amz-checksum-crc32");
    const answer = await sendSigned(run, "/b/k", { ...put, payloadHash: signedStream, headers });

    assert.equal(codeOf(answer), "InvalidRequest");
  });

  it("rejects signed chunks of a caller who has signed nothing with AccessDenied", async () => {
    const headers = { ...chunkedHeaders(0), "x-amz-content-sha256": signedStream };
    const answer = await send(`${run.gateway.origin}/b/k`, { ...put, headers, body: "0\r\n\r\n" });

    assert.equal(codeOf(answer), "AccessDenied");
    assert.equal(run.seen.length, 0);
  });

  it("rejects chunk headers that have no end with IncompleteBody", async () => {
    const answer = await sendUnsigned("1".repeat(20_000), 4);

    assert.match(
      answer.body,
      /<Code>IncompleteBody<\/Code><Message>A chunk of the request body has a line that is too long/,
    );
  });

  it("fails a body whose client leaves in the middle", async () => {
    const failure = new Promise<unknown>((resolve) => {
      run.behaviour = async (call) => {
        await call.readBody(1000).catch(resolve);
      };
    });
    const socket = connect(Number(new URL(run.gateway.origin).port), "127.0.0.1");
    await once(socket, "connect");

    socket.write("PUT /b/k HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nabc");
    await new Promise((resolve) => setImmediate(resolve));
    socket.end();
    const trace = await run.traces.waitFor(({ operation }) => operation === "PUT /b/k");

    assert.equal(((await failure) as AwsError).code, "RequestTimeout");
    assert.equal(trace.status, 499);
  });

  it("rejects with RequestEntityTooLarge what a service asked to be smaller", async () => {
    run.behaviour = async (call) => void (await call.readBody(3));

    const streamed = await sendSigned(run, "/b/k", { ...put, body: "four" });
    const buffered = await sendSigned(run, "/x", { method: "POST", service: "lambda", body: "four" });

    assert.deepEqual([streamed.status, codeOf(streamed)], [413, "RequestEntityTooLarge"]);
    assert.deepEqual([buffered.status, buffered.headers["x-amzn-errortype"]], [413, "RequestEntityTooLarge"]);
  });

  it("keeps a connection usable after a body that was refused half-read", async () => {
    run.behaviour = async (call) => {
      if (call.method !== "PUT") return void call.response.end();
      for await (const _piece of call.body) throw new AwsError("EntityTooLarge", "enough");
    };
    const socket = connect(Number(new URL(run.gateway.origin).port), "127.0.0.1");
    await once(socket, "connect");
    socket.resume();
    const size = 2_000_000;

    socket.write(`PUT /b/k HTTP/1.1\r\nhost: h\r\ncontent-length: ${size}\r\n\r\n${"x".repeat(size)}`);
    socket.write("GET /b/next HTTP/1.1\r\nhost: h\r\n\r\n");
    await run.traces.waitFor(({ operation }) => operation === "GET /b/next");
    socket.destroy();

    assert.deepEqual(
      run.traces.recent().map(({ status }) => status),
      [400, 200],
    );
  });

  const sendSignedChunks = (
    change: (wire: string) => string,
    trailer?: string,
    changes: Readonly<Record<string, string>> = {},
  ) => {
    const url = `${run.gateway.origin}/b/k`;
    const name = trailer?.split(":")[0];
    const payloadHash = trailer === undefined ? signedStream : `${signedStream}-TRAILER`;
    const headers = signRequest({
      ...put,
      url,
      payloadHash,
      headers: chunkedHeaders(12, name),
      credentials: run.root,
      service: "s3",
      region,
      at: run.clock.now(),
    });
    const body = change(signChunks(run, headers, ["hello ", "world!"], trailer));
    return send(url, { ...put, headers: { ...headers, ...changes }, body });
  };

  it("accepts signed chunks, with and without a trailer", async () => {
    const answers = [
      await sendSignedChunks((wire) => wire),
      await sendSignedChunks((wire) => wire, "x-amz-checksum-crc32:AAAAAA=="),
    ];

    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200],
      answers.map(({ body }) => body).join(),
    );
    assert.deepEqual(
      run.seen.map(({ sha256 }) => sha256),
      [sha256Hex("hello world!"), sha256Hex("hello world!")],
    );
  });

  const forged: readonly [string, (wire: string) => string, string?][] = [
    ["an altered chunk", (wire) => wire.replace("world", "wOrld")],
    ["a chunk without signature", (wire) => wire.replace(/;chunk-signature=\w+/, "")],
    ["swapped chunks", (wire) => wire.replace(/^(6;.*\r\nhello )\r\n(6;.*\r\nworld!)/, "$2\r\n$1")],
    ["an altered trailer", (wire) => wire.replace("AAAAAA==", "AAAAAB=="), "x-amz-checksum-crc32:AAAAAA=="],
    [
      "a trailer without signature",
      (wire) => wire.replace(/x-amz-trailer-signature:\w+\r\n/, ""),
      "x-amz-checksum-crc32:AAAAAA==",
    ],
  ];
  for (const [what, change, trailer] of forged) {
    it(`rejects ${what} with SignatureDoesNotMatch`, async () => {
      const answer = await sendSignedChunks(change, trailer);

      assert.equal(answer.status, 403);
      assert.equal(codeOf(answer), "SignatureDoesNotMatch");
      assert.equal(run.seen.length, 0);
    });
  }

  it("decodes chunks wherever the network cuts them", async () => {
    const wire = Buffer.from("4\r\nabcd\r\n6\r\nef\r\n\r\n\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n");
    const cuts = fc.uniqueArray(fc.integer({ min: 1, max: wire.length - 1 }), { maxLength: 8 });

    await fc.assert(
      fc.asyncProperty(cuts, async (positions) => {
        const decoder = new AwsChunkedDecoder({ decodedLength: 10, trailerNames: ["x-amz-checksum-crc32"] });
        let from = 0;
        for (const to of [...positions.sort((a, b) => a - b), wire.length]) {
          decoder.write(wire.subarray(from, to));
          from = to;
        }
        decoder.end();
        const pieces: Buffer[] = [];
        for await (const piece of decoder as AsyncIterable<Buffer>) pieces.push(piece);

        assert.equal(Buffer.concat(pieces).toString(), "abcdef\r\n\r\n");
        assert.equal(decoder.trailers["x-amz-checksum-crc32"], "AA==");
      }),
      { numRuns: 100 },
    );
  });

  it("reads no more from the wire than the service takes", async () => {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    let arrived = 0;
    run.behaviour = async (call) => {
      assert.equal(call.body.readableFlowing, null);
      await released;
      arrived = call.request.socket.bytesRead;
      call.response.end();
    };
    const size = 64 * 1024 * 1024;
    const headers = signRequest({
      ...put,
      url: `${run.gateway.origin}/b/k`,
      payloadHash: "UNSIGNED-PAYLOAD",
      headers: { "content-length": String(size) },
      credentials: run.root,
      service: "s3",
      region,
      at: run.clock.now(),
    });
    const { port } = new URL(run.gateway.origin);
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.on("error", () => undefined);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`PUT /b/k HTTP/1.1\r\n${lines.join("")}\r\n`);

    // Writes until the kernel's buffers are full: nobody reads at the other end.
    const piece = Buffer.alloc(1024 * 1024);
    let written = 0;
    while (written < size && socket.writableLength < 8 * piece.length) {
      socket.write(piece);
      written += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    release();
    await run.traces.waitFor(({ status }) => status === 200);
    socket.destroy();

    assert.ok(arrived < size / 4, `${arrived} bytes were read of ${size}`);
  });
});
