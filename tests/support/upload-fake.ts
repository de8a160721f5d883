// An in-process stand-in for the upload API and Amazon S3, over real HTTP. As strict as they are about sizes, checksums,
// signatures, expiry and completion, and able to fail on demand. For tests of the clients only.

import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Crc64Nvme } from "@aws-sdk/crc64-nvme";
import {
  CHECKSUM_HEADER,
  type CompleteUploadRequest,
  ERROR_STATUS,
  type ErrorCode,
  type SignPartsRequest,
  type StartUploadRequest,
  type UploadClientConfiguration,
  type UploadDescription,
} from "../../handlers/upload/contract";
import type { Clock } from "../../clients/upload/environment";

/** What goes wrong with one request. */
export type Fault =
  /** The connection breaks before the request is looked at. */
  | { readonly type: "drop" }
  /** The request is carried out, but its answer gets lost. */
  | { readonly type: "dropAnswer" }
  /** The request is carried out twice. */
  | { readonly type: "duplicate" }
  /** The answer comes late, so that answers change their order. */
  | { readonly type: "delay"; readonly milliseconds: number }
  /** The request is on its way until then. */
  | { readonly type: "hold"; readonly until: Promise<void> }
  | { readonly type: "status"; readonly status: number; readonly code: string }
  /** One byte changes on the way. */
  | { readonly type: "corrupt" }
  | { readonly type: "hideETag" };

/** One request as faults and assertions see it. */
export interface FakeCall {
  readonly kind: "start" | "sign" | "describe" | "complete" | "abort" | "list" | "part";
  readonly partNumber?: number;
  readonly route?: "direct" | "accelerated";
  readonly partNumbers?: readonly number[];
  readonly authorization?: string | undefined;
}

interface StoredPart {
  readonly bytes: Buffer;
  readonly eTag: string;
  readonly checksum: string;
}

/** One upload of the fake. */
export interface FakeUpload {
  description: UploadDescription;
  readonly requestId: string;
  readonly parts: Map<number, StoredPart>;
  object?: Buffer;
}

/** Settings of the fake. */
export interface FakeSettings {
  readonly clock: Clock;
  readonly minimumPartBytes?: number;
  readonly urlExpirySeconds?: number;
  readonly signWindow?: number;
  readonly acceleration?: boolean;
}

/** The running fake. */
export class UploadFake {
  readonly uploads = new Map<string, FakeUpload>();
  readonly calls: FakeCall[] = [];
  /** Called for every request, in order of arrival. */
  fault: (call: FakeCall) => Fault | undefined = () => undefined;
  /** Bearer token that the API takes; empty: any. */
  token = "good";
  /** Called before a part is stored, so that tests can hold it. */
  onPart: (call: FakeCall) => Promise<void> | void = () => undefined;
  readonly #signatures = new Map<string, { expiresAt: number; size: number; checksum: string }>();
  readonly #server: Server;

  private constructor(private readonly settings: FakeSettings) {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(settings: FakeSettings): Promise<UploadFake> {
    const fake = new UploadFake(settings);
    await new Promise<void>((resolve) => fake.#server.listen(0, "127.0.0.1", resolve));
    return fake;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get configuration(): UploadClientConfiguration {
    return {
      apiUrl: `${this.origin}/api`,
      region: "eu-west-1",
      bucketName: "media",
      authorization: "cognito",
      acceleration: this.settings.acceleration ?? false,
      maximumFileBytes: 10 * 1024 ** 4,
      allowedContentTypes: ["*/*"],
      signWindow: this.settings.signWindow ?? 100,
    };
  }

  /** Uploads that still hold parts or wait for some. */
  get open(): FakeUpload[] {
    return [...this.uploads.values()].filter(({ description }) => description.state === "open");
  }

  get objects(): Buffer[] {
    return [...this.uploads.values()].flatMap(({ object }) => (object ? [object] : []));
  }

  /** Every URL signed so far has expired. */
  expireSignatures(): void {
    for (const signature of this.#signatures.values()) signature.expiresAt = 0;
  }

  count(kind: FakeCall["kind"]): number {
    return this.calls.filter((call) => call.kind === kind).length;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, this.origin);
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-allow-headers", "*, authorization");
    response.setHeader("access-control-allow-methods", "*");
    response.setHeader("access-control-max-age", "3000");
    if (request.method === "OPTIONS") return void response.writeHead(204).end();
    try {
      const body = await readBody(request);
      const call = describeCall(request, url, body);
      this.calls.push(call);
      const fault = this.fault(call);
      if (fault?.type === "drop") return void request.socket.destroy();
      if (fault?.type === "delay")
        await new Promise<void>((done) => void this.settings.clock.setTimer(fault.milliseconds, done));
      if (fault?.type === "hold") await fault.until;
      if (call.kind === "part") await this.onPart(call);
      if (fault?.type === "status") {
        refuseAs(call, response, fault.status, fault.code);
        return;
      }
      if (fault?.type === "duplicate") await this.#answer(call, url, request, body, fault);
      const answer = await this.#answer(call, url, request, body, fault);
      if (fault?.type === "dropAnswer") return void request.socket.destroy();
      response.writeHead(answer.status, answer.headers).end(answer.body);
    } catch (error) {
      if (!request.socket.destroyed) response.writeHead(500).end(String(error));
    }
  }

  async #answer(call: FakeCall, url: URL, request: IncomingMessage, body: Buffer, fault?: Fault): Promise<Answer> {
    if (call.kind === "part") return this.#putPart(call, url, request, body, fault);
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`) return refusal("Unauthenticated");
    const id = url.pathname.split("/")[3];
    if (call.kind === "start") return this.#startUpload(JSON.parse(body.toString()) as StartUploadRequest);
    if (call.kind === "list") {
      const state = url.searchParams.get("state");
      const uploads = [...this.uploads.values()].map(({ description }) => description).filter((u) => u.state === state);
      return json(200, { uploads: uploads.reverse() });
    }
    const upload = this.uploads.get(id ?? "");
    if (!upload) return refusal("UploadNotYours");
    if (call.kind === "sign") return this.#sign(upload, JSON.parse(body.toString()) as SignPartsRequest);
    if (call.kind === "complete") return this.#complete(upload, JSON.parse(body.toString()) as CompleteUploadRequest);
    if (call.kind === "abort") return this.#abort(upload);
    const parts = [...upload.parts].sort(([a], [b]) => a - b);
    return json(200, {
      upload: upload.description,
      parts:
        upload.description.state === "open"
          ? parts.map(([partNumber, { bytes, eTag, checksum }]) => ({ partNumber, size: bytes.length, eTag, checksum }))
          : [],
    });
  }

  #startUpload(request: StartUploadRequest): Answer {
    const signWindow = this.settings.signWindow ?? 100;
    const known = [...this.uploads.values()].find(({ requestId }) => requestId === request.requestId);
    if (known) return json(200, { upload: known.description, signWindow });
    const partSize = Math.max(
      request.partSize ?? 0,
      this.settings.minimumPartBytes ?? 5 * 1024 ** 2,
      Math.ceil(request.size / 10_000),
    );
    const description: UploadDescription = {
      uploadId: randomUUID(),
      fileName: request.fileName,
      size: request.size,
      contentType: request.contentType,
      state: "open",
      partSize,
      partCount: Math.max(1, Math.ceil(request.size / partSize)),
      ...(request.fingerprint && { fingerprint: request.fingerprint }),
      createdAt: new Date(this.settings.clock.now()).toISOString(),
      abandonAt: new Date(this.settings.clock.now() + 86_400_000).toISOString(),
    };
    this.uploads.set(description.uploadId, { description, requestId: request.requestId, parts: new Map() });
    return json(201, { upload: description, signWindow });
  }

  #sign({ description }: FakeUpload, { parts }: SignPartsRequest): Answer {
    if (description.state !== "open") return refusal("UploadNotOpen");
    if (!parts.length || parts.length > (this.settings.signWindow ?? 100)) return refusal("InvalidRequest");
    if (new Set(parts.map(({ partNumber }) => partNumber)).size !== parts.length) return refusal("InvalidRequest");
    const expiresAt = this.settings.clock.now() + (this.settings.urlExpirySeconds ?? 300) * 1000;
    const signed = parts.map(({ partNumber, checksum }) => {
      const size = sizeOfPart(description, partNumber);
      const signature = randomUUID();
      this.#signatures.set(signature, { expiresAt, size, checksum });
      const path = `/${description.uploadId}/${partNumber}?signature=${signature}`;
      return {
        partNumber,
        size,
        url: `${this.origin}/direct${path}`,
        ...(this.settings.acceleration && { acceleratedUrl: `${this.origin}/accelerated${path}` }),
        headers: { [CHECKSUM_HEADER]: checksum },
      };
    });
    return json(200, { parts: signed, expiresAt: new Date(expiresAt).toISOString() });
  }

  async #putPart(call: FakeCall, url: URL, request: IncomingMessage, sent: Buffer, fault?: Fault): Promise<Answer> {
    const signature = this.#signatures.get(url.searchParams.get("signature") ?? "");
    if (!signature) return xml(403, "SignatureDoesNotMatch");
    if (this.settings.clock.now() > signature.expiresAt) return xml(403, "AccessDenied");
    if (request.headers[CHECKSUM_HEADER] !== signature.checksum || sent.length !== signature.size) {
      return xml(403, "SignatureDoesNotMatch");
    }
    const bytes = Buffer.from(sent);
    if (fault?.type === "corrupt" && bytes.length) bytes[0]! ^= 1;
    if ((await checksumOf(bytes)) !== signature.checksum) return xml(400, "BadDigest");
    const upload = this.uploads.get(url.pathname.split("/")[2]!);
    if (upload?.description.state !== "open") return xml(404, "NoSuchUpload");
    const eTag = `"${createHash("md5").update(bytes).digest("hex")}"`;
    upload.parts.set(call.partNumber!, { bytes, eTag, checksum: signature.checksum });
    return {
      status: 200,
      headers: fault?.type === "hideETag" ? {} : { etag: eTag, "access-control-expose-headers": "ETag" },
      body: "",
    };
  }

  async #complete(upload: FakeUpload, { parts, checksum }: CompleteUploadRequest): Promise<Answer> {
    const { description } = upload;
    if (description.state === "completed") return json(200, { upload: description });
    if (description.state !== "open") return refusal("UploadNotOpen");
    const held = (partNumber: number): StoredPart | undefined => upload.parts.get(partNumber);
    const same = parts.every(
      ({ partNumber, eTag, checksum: sum }, index) =>
        partNumber === index + 1 && held(partNumber)?.eTag === eTag && held(partNumber)?.checksum === sum,
    );
    if (parts.length !== description.partCount || !same) return refusal("PartsMismatch");
    const whole = Buffer.concat(parts.map(({ partNumber }) => held(partNumber)!.bytes));
    if (whole.length !== description.size || (await checksumOf(whole)) !== checksum) return refusal("ChecksumMismatch");
    if (upload.description.state !== "open") return refusal("UploadNotOpen");
    upload.object = whole;
    upload.description = {
      ...description,
      state: "completed",
      key: `default/user/${description.uploadId}/${description.fileName}`,
    };
    return json(200, { upload: upload.description });
  }

  #abort(upload: FakeUpload): Answer {
    if (upload.description.state === "completed") return refusal("UploadNotOpen");
    upload.description = { ...upload.description, state: "aborted" };
    upload.parts.clear();
    return { status: 204, headers: {}, body: "" };
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

const json = (status: number, body: unknown): Answer => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});
const xml = (status: number, code: string): Answer => ({
  status,
  headers: { "content-type": "application/xml" },
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>refused</Message></Error>`,
});
const refusal = (code: ErrorCode): Answer =>
  json(ERROR_STATUS[code], { error: { code, message: `refused: ${code}`, requestId: "fake" } });

function refuseAs(call: FakeCall, response: ServerResponse, status: number, code: string): void {
  const answer =
    call.kind === "part"
      ? xml(status, code)
      : json(status, { error: { code, message: `refused: ${code}`, requestId: "fake" } });
  response.writeHead(answer.status, answer.headers).end(answer.body);
}

function sizeOfPart({ size, partSize }: UploadDescription, partNumber: number): number {
  return Math.min(partSize, size - (partNumber - 1) * partSize);
}

/** CRC-64/NVME by the AWS SDK's own code, base64. */
export async function checksumOf(bytes: Uint8Array): Promise<string> {
  const crc = new Crc64Nvme();
  crc.update(bytes);
  return Buffer.from(await crc.digest()).toString("base64");
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function describeCall(request: IncomingMessage, url: URL, body: Buffer): FakeCall {
  const segments = url.pathname.split("/");
  if (segments[1] !== "api") {
    return { kind: "part", route: segments[1] as "direct" | "accelerated", partNumber: Number(segments[3]) };
  }
  const { authorization } = request.headers;
  const action = `${request.method} ${segments[3] ? ":id" : ""}${segments[4] ? `/${segments[4]}` : ""}`;
  if (action === "POST ") return { kind: "start", authorization };
  if (action === "GET ") return { kind: "list", authorization };
  if (action === "GET :id") return { kind: "describe", authorization };
  if (action === "DELETE :id") return { kind: "abort", authorization };
  if (action === "POST :id/complete") return { kind: "complete", authorization };
  const { parts } = JSON.parse(body.toString()) as SignPartsRequest;
  return { kind: "sign", authorization, partNumbers: parts.map(({ partNumber }) => partNumber) };
}

/** Real time, `factor` times as fast: back-offs and timeouts of seconds pass in milliseconds, without changing the code. */
export function createFastClock(factor: number): Clock {
  const start = performance.now();
  return {
    now: () => 1_700_000_000_000 + (performance.now() - start) * factor,
    setTimer(delayMs, callback) {
      const handle = setTimeout(callback, delayMs / factor);
      return { cancel: () => clearTimeout(handle) };
    },
  };
}

/** A file in memory. */
export function createFile(
  bytes: Uint8Array<ArrayBuffer>,
  name = "film.mp4",
  lastModified = 1,
): { name: string; size: number; type: string; lastModified: number; slice(start: number, end: number): Blob } {
  const blob = new Blob([bytes]);
  return { name, size: bytes.length, type: "video/mp4", lastModified, slice: (start, end) => blob.slice(start, end) };
}
