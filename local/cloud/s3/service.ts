// S3: receives verified calls, finds the operation, sends the answer in S3's protocol.
import { pipeline } from "node:stream/promises";
import { AwsError } from "../core/errors";
import type { CloudContext, GatewayArrival, GatewayCall, Service } from "../core/service";
import { checkExpectedOwner } from "./access";
import { BodyStore } from "./bodies";
import type { S3Control } from "./control";
import { answerPreflight, corsHeaders } from "./cors";
import { findBucket, type S3Environment } from "./environment";
import { invalidRequest, notSimulated } from "./errors";
import { FaultInjector, internalError, type Fault } from "./faults";
import { LifecycleSchedule } from "./lifecycle";
import { Notifier } from "./notifications";
import { emptyBucket } from "./objects";
import { S3Refusal } from "./operations/get-object";
import { listBuckets } from "./operations/list-objects";
import { readRequest, type S3Request, type S3Response } from "./request";
import { createModels } from "./resources";
import { findRoute } from "./router";
import { bucketArn, currentObject, type Bucket } from "./state";
import { xmlDocument, type XmlContent } from "./xml";

/** Creates Amazon S3 of the embedded cloud. */
export function createS3Service(context: CloudContext): Service & S3Control {
  const environment: S3Environment = {
    context,
    bodies: new BodyStore(context.dataDirectory),
    buckets: new Map(),
    notifier: new Notifier(context),
  };
  const faults = new FaultInjector(context.clock);
  const lifecycle = new LifecycleSchedule(environment);
  return {
    name: "s3",
    models: createModels(environment),
    prepare: (arrival) => {
      setCorsHeaders(environment, arrival);
    },
    handle: (call) => handle(environment, faults, call),
    start: () => {
      lifecycle.start();
      return Promise.resolve();
    },
    stop: async () => {
      lifecycle.stop();
      for (const bucket of environment.buckets.values()) emptyBucket(environment, bucket);
      environment.buckets.clear();
      await environment.bodies.removeAll();
    },
    injectFault: (rule) => faults.inject(rule),
    bucketOfDomain: (domainName) => bucketOfDomain(environment, domainName),
    multipartUploads: (bucketName) => [...findBucket(environment, bucketName).uploads.values()],
    objectCount: (bucketName) => {
      const bucket = findBucket(environment, bucketName);
      return [...bucket.objects.keys()].filter((key) => currentObject(bucket, key)).length;
    },
    bodyFileCount: () => environment.bodies.fileCount(),
  };
}

async function handle(environment: S3Environment, faults: FaultInjector, call: GatewayCall): Promise<void> {
  let fault: Fault = {};
  let response: S3Response;
  try {
    const request = readRequest(call);
    const { operation, run } = chooseOperation(environment, request);
    call.describe({ operation, resource: resourceOf(request) });
    fault = await faults.apply(operation, request.key);
    if (fault.drop === "before") {
      dropConnection(call);
      return;
    }
    response = fault.errorInside200 ? errorInside200(call) : await run();
  } catch (error) {
    response = refuse(call, error);
  }
  if (fault.drop === "after") {
    destroyBody(response);
    dropConnection(call);
    return;
  }
  await send(call, response);
}

interface ChosenOperation {
  readonly operation: string;
  readonly run: () => Promise<S3Response> | S3Response;
}

function chooseOperation(environment: S3Environment, request: S3Request): ChosenOperation {
  const { call, bucketName } = request;
  if (call.method === "OPTIONS") {
    const bucket = environment.buckets.get(bucketName);
    return { operation: "PreflightRequest", run: () => answerPreflight(bucket, call.headers) };
  }
  if (bucketName === "") {
    if (call.method !== "GET" || request.query.has("session")) throw notSimulated(`s3:${call.method} on the service`);
    if (call.endpoint === "accelerate") throw notAccelerated("ListBuckets");
    return { operation: "ListBuckets", run: () => listBuckets(request, environment) };
  }
  if (call.endpoint === "accelerate") refuseUnaccelerated(environment, request);
  const route = findRoute(request);
  return {
    operation: route.name,
    run: () => {
      const bucket = findBucket(environment, bucketName);
      checkRegion(call, bucket);
      checkExpectedOwner(request, bucket);
      return route.run(request, bucket, environment);
    },
  };
}

/** Transfer Acceleration serves buckets that enabled it, and neither makes, removes nor lists buckets. */
function refuseUnaccelerated(environment: S3Environment, { call, bucketName, key, query }: S3Request): void {
  const plain = key === "" && [...query.keys()].every((name) => name.toLowerCase().startsWith("x-"));
  if (plain && call.method === "PUT") throw notAccelerated("CreateBucket");
  if (plain && call.method === "DELETE") throw notAccelerated("DeleteBucket");
  const { acceleration } = findBucket(environment, bucketName);
  if (acceleration === "Enabled") return;
  throw invalidRequest(
    acceleration === undefined
      ? "S3 Transfer Acceleration is not configured on this bucket"
      : "S3 Transfer Acceleration is disabled on this bucket",
  );
}

function notAccelerated(operation: string): AwsError {
  return invalidRequest(`S3 Transfer Acceleration does not support the operation ${operation}`);
}

/** Signatures name the bucket's Region, at the accelerated endpoint too. */
function checkRegion(call: GatewayCall, bucket: Bucket): void {
  if (call.auth.type === "NONE" || call.region === bucket.region) return;
  throw new AwsError(
    "AuthorizationHeaderMalformed",
    `The authorization header is malformed; the region '${call.region}' is wrong; expecting '${bucket.region}'`,
    400,
    { Region: bucket.region },
  );
}

function resourceOf({ bucketName, key }: S3Request): string {
  if (bucketName === "") return "*";
  return key === "" ? bucketArn(bucketName) : `${bucketArn(bucketName)}/${key}`;
}

function setCorsHeaders(environment: S3Environment, { request, response, rawPath, method }: GatewayArrival): void {
  if (method === "OPTIONS") return;
  const { origin } = request.headers;
  const bucketName = rawPath.split("/")[1] ?? "";
  const headers = corsHeaders(environment.buckets.get(bucketName), method, { origin });
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
}

function refuse(call: GatewayCall, error: unknown): S3Response {
  const known = error instanceof AwsError ? error : internalError();
  call.describe({ errorCode: known.code, ...(known === error ? {} : { detail: { failure: String(error) } }) });
  const headers = error instanceof S3Refusal ? error.headers : {};
  if (call.method === "HEAD") return { status: known.statusCode, headers };
  return {
    status: known.statusCode,
    headers: { ...headers, "content-type": "application/xml" },
    body: errorDocument(call, known),
  };
}

function errorDocument(call: GatewayCall, error: AwsError): string {
  const { code: Code, message: Message, fields } = error;
  return xmlDocument(
    "Error",
    { Code, Message, ...(fields as Readonly<Record<string, XmlContent>>), RequestId: call.id, HostId: call.id },
    undefined,
  );
}

function errorInside200(call: GatewayCall): S3Response {
  const error = internalError();
  call.describe({ errorCode: error.code });
  return { status: 200, headers: { "content-type": "application/xml" }, body: errorDocument(call, error) };
}

async function send(call: GatewayCall, { status, headers = {}, body }: S3Response): Promise<void> {
  const { response } = call;
  response.statusCode = status;
  response.setHeader("server", "AmazonS3");
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) response.setHeader(name, value);
  }
  if (body === undefined || typeof body === "string") {
    response.end(body);
    return;
  }
  // A reader that goes away ends the stream, which then lets go of its files.
  await pipeline(body, response).catch(() => undefined);
}

function destroyBody({ body }: S3Response): void {
  if (body !== undefined && typeof body !== "string") body.destroy();
}

function dropConnection(call: GatewayCall): void {
  call.request.socket.destroy();
}

function bucketOfDomain(environment: S3Environment, domainName: string): string | undefined {
  const match = /^(.+?)\.(s3|s3-accelerate)(\.dualstack)?(\.[a-z0-9-]+)?\.amazonaws\.com$/.exec(domainName);
  const name = match?.[1];
  return name !== undefined && environment.buckets.has(name) ? name : undefined;
}
