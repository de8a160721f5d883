// An S3 on loopback that records what the SDK sends and answers as a test says: for tests of our S3 adapter alone.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as it arrived. */
export interface S3Request {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What to answer. */
export interface S3Answer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The running stub. */
export interface S3Stub {
  readonly endpoint: string;
  readonly requests: S3Request[];
  /** Answers in turn; the last one is repeated. */
  answers: readonly S3Answer[];
  close(): Promise<void>;
}

/** An error document of S3. */
export function s3Error(status: number, code: string, message = ""): S3Answer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status, body, headers: { "content-type": "application/xml" } };
}

/** Starts a stub on a free port. */
export async function startS3Stub(): Promise<S3Stub> {
  const requests: S3Request[] = [];
  const server = createServer((request, response) => {
    readBody(request).then((body) => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      requests.push({ method: request.method ?? "", target: request.url ?? "", headers, body });
      const answer = stub.answers[Math.min(requests.length, stub.answers.length) - 1] ?? { status: 500 };
      response.writeHead(answer.status, answer.headers);
      response.end(answer.body);
    }, response.destroy.bind(response));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const stub: S3Stub = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answers: [],
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return stub;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
