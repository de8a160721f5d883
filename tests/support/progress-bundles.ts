// Bundles of the progress handlers as they are deployed, and stubs of the services behind them: Step Functions and @connections.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadHandler } from "../../components/shared/bundle";
import { PROGRESS_HANDLERS, type ProgressHandlerName } from "../../handlers/progress/contract";

/** Names of all handlers. */
export const PROGRESS_HANDLER_NAMES = Object.keys(PROGRESS_HANDLERS) as readonly ProgressHandlerName[];

/** The bundle that the component deploys. */
export function bundleProgressHandler(name: ProgressHandlerName): string {
  return loadHandler(`progress/${name}`);
}

/** Writes bundles into a folder of their own. `remove` deletes it. */
export function writeProgressBundles(): {
  readonly paths: Readonly<Record<ProgressHandlerName, string>>;
  remove(): void;
} {
  const folder = mkdtempSync(join(tmpdir(), "progress-bundles-"));
  const paths = PROGRESS_HANDLER_NAMES.map((name) => {
    const path = join(folder, `${name}.js`);
    writeFileSync(path, bundleProgressHandler(name));
    return [name, path] as const;
  });
  return {
    paths: Object.fromEntries(paths) as Record<ProgressHandlerName, string>,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** One request that a stub received. */
export interface StubRequest {
  readonly method: string;
  readonly path: string;
  /** Operation of `x-amz-target`, if any. */
  readonly operation: string | undefined;
  readonly authorization: string;
  readonly body: string;
}

/** What a stub answers. */
export interface StubAnswer {
  readonly status?: number;
  readonly body?: object;
}

/** A service that answers as the test says and remembers what it was asked. */
export interface AwsStub {
  readonly endpoint: string;
  readonly requests: StubRequest[];
  answer: (request: StubRequest) => StubAnswer | Promise<StubAnswer>;
  close(): Promise<void>;
}

/** Starts a stub that answers 200 with an empty object. */
export async function startAwsStub(): Promise<AwsStub> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const target = request.headers["x-amz-target"];
      const received: StubRequest = {
        method: request.method ?? "",
        path: request.url ?? "",
        operation: typeof target === "string" ? target.split(".")[1] : undefined,
        authorization: request.headers.authorization ?? "",
        body: Buffer.concat(chunks).toString("utf8"),
      };
      stub.requests.push(received);
      void Promise.resolve(stub.answer(received)).then(({ status = 200, body = {} }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stub: AwsStub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests: [],
    answer: () => ({}),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}
