// The uploader: settings and surroundings that many uploads share.

import type { UploadClientConfiguration, UploadDescription } from "../../handlers/upload/contract";
import { type Authorize, UploadApi } from "./api";
import type { Environment } from "./environment";
import { UploadError } from "./errors";
import type { FileSource } from "./ledger";
import type { Acceleration, Experience } from "./pace";
import { DEFAULT_RETRY, type RetryPolicy } from "./retry";
import { Upload } from "./upload";

/** Options of `createUploader`. */
export interface UploaderOptions {
  /** Output `clientConfiguration` of the upload component. */
  readonly configuration: UploadClientConfiguration;
  /** Yields the headers that prove who calls; asked for every call of the API, never for parts. */
  readonly authorize: Authorize;
  /** Surroundings: `createBrowserEnvironment()` in browsers, `createEnvironment()` in Node. */
  readonly environment: Environment;
  readonly retry?: RetryPolicy;
  /** Most connections of all uploads together. Browsers open six per host. @default 6 */
  readonly maximumConnections?: number;
  /** Silence after which a part counts as lost, in milliseconds. @default 45000 */
  readonly stallMs?: number;
}

/** Options of one upload. */
export interface UploadOptions {
  /** Wished part size in bytes; S3 wants 5 MiB to 5 GiB. @default - follows from file size and speed */
  readonly partSize?: number;
  /** Exactly so many connections. @default - adapts to the throughput */
  readonly parallel?: number;
  /** @default "auto" where the bucket has Transfer Acceleration */
  readonly acceleration?: Acceleration;
  /** Look for an unfinished upload of the same file. @default true */
  readonly resume?: boolean;
  /** Go on with this very upload. */
  readonly uploadId?: string;
  /** @default the file's own type, or "application/octet-stream" */
  readonly contentType?: string;
  /** Cancels the upload when it aborts. */
  readonly signal?: AbortSignal;
}

/** Starts uploads. */
export interface Uploader {
  /** Starts sending a file, or goes on with it. */
  upload(file: FileSource, options?: UploadOptions): Upload;
  /** The caller's unfinished (or finished) uploads on the server, newest first; at most 100 per page. */
  list(state: "open" | "completed", signal?: AbortSignal): Promise<readonly UploadDescription[]>;
  /** Removes an unfinished upload and its parts. */
  discard(uploadId: string, signal?: AbortSignal): Promise<void>;
  /** Ends the hashing worker. */
  close(): void;
}

/** Makes an uploader. It has no user interface and touches no global. */
export function createUploader(options: UploaderOptions): Uploader {
  const {
    configuration,
    authorize,
    environment,
    maximumConnections = 6,
    stallMs = 45_000,
    retry = DEFAULT_RETRY,
  } = options;
  const api = new UploadApi(configuration.apiUrl, environment, authorize, retry);
  const pool = { maximum: maximumConnections, members: 0 };
  const experience: Experience = {};
  const never = new AbortController().signal;
  return {
    upload(file, { signal, ...wishes } = {}) {
      if (file.size > configuration.maximumFileBytes) {
        throw new UploadError("FileTooLarge", `The file is larger than ${configuration.maximumFileBytes} bytes.`);
      }
      signal?.throwIfAborted();
      const settings = {
        resume: true,
        acceleration: "auto" as const,
        contentType: file.type || "application/octet-stream",
        signWindow: configuration.signWindow,
        storePrefix: `upload:${configuration.apiUrl}:`,
        retry,
        stallMs,
        ...wishes,
      };
      const upload = new Upload(file, environment, api, settings, pool, experience);
      signal?.addEventListener("abort", () => void upload.cancel(), { once: true });
      return upload;
    },
    list: async (state, signal = never) => (await api.list(state, signal)).uploads,
    discard: (uploadId, signal = never) => api.abort(uploadId, signal),
    close: () => environment.hasher.close(),
  };
}
