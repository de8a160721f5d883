// Uploader for browsers and Node, without dependencies. Browsers add `createBrowserEnvironment` from "./browser".

export type { Authorize, AuthorizeRequest } from "./api";
export { createUploader, type Uploader, type UploaderOptions, type UploadOptions } from "./uploader";
export {
  fingerprintOf,
  type TransferProgress,
  type TransferState,
  Upload,
  type UploadEvents,
  type UploadSettings,
} from "./upload";
export { UploadError, type UploadErrorCode } from "./errors";
export {
  type Clock,
  type Connectivity,
  createEnvironment,
  createMemoryStore,
  type Environment,
  type KeyValueStore,
  type Locks,
} from "./environment";
export { createInlineHasher, createWorkerHasher, type Hasher, type WorkerLike } from "./hasher";
export {
  fetchTransport,
  type PartAnswer,
  type PartRequest,
  type PartTransport,
  xhrTransport,
  type XhrLike,
} from "./transport";
export type { FileSource } from "./ledger";
export type { Acceleration, Route } from "./pace";
export { DEFAULT_RETRY, type RetryPolicy } from "./retry";
