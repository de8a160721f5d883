// One file on its way: finds or starts the upload, sends what is missing, completes it; can pause, resume and cancel.

import type { DescribeUploadResponse, UploadDescription } from "../../handlers/upload/contract";
import type { UploadApi } from "./api";
import { crc64 } from "./crc64";
import type { Environment } from "./environment";
import { sleep } from "./environment";
import { UploadError, type UploadErrorCode } from "./errors";
import { FILE_CHANGED, type FileSource, Ledger } from "./ledger";
import { choosePartSize, type Experience, type Route } from "./pace";
import { type ConnectionPool, PartSender, type SenderSettings } from "./sender";

/** Where an upload stands on this device. */
export type TransferState =
  /** Finding or starting the upload. */
  | "preparing"
  /** Another tab is sending this very upload. */
  | "waiting"
  | "uploading"
  /** All parts have arrived; Amazon S3 puts them together. */
  | "completing"
  | "completed"
  | "paused"
  /** Lasting failure; `resume()` tries again, `cancel()` cleans up. */
  | "failed"
  | "cancelling"
  | "cancelled";

/** How far an upload has come. */
export interface TransferProgress {
  readonly bytes: number;
  readonly total: number;
  readonly bytesPerSecond: number;
  /** Undefined while nothing is known. */
  readonly secondsLeft?: number;
  readonly finishedParts: number;
  readonly partCount: number;
  readonly activeConnections: number;
  /** "both" while the two hosts are being measured. */
  readonly route: Route | "both";
  /** False while the upload waits for the network. */
  readonly online: boolean;
}

/** Events of an upload. */
export interface UploadEvents {
  state: TransferState;
  progress: TransferProgress;
}

/** Settings of one upload. */
export interface UploadSettings extends SenderSettings {
  /** Wished part size in bytes; left out, it follows from file size and speed. */
  readonly partSize?: number;
  /** Whether to look for an unfinished upload of the same file. */
  readonly resume: boolean;
  /** Go on with this very upload. */
  readonly uploadId?: string;
  readonly contentType: string;
  readonly storePrefix: string;
}

/** Least time between two progress events, in milliseconds. */
const PROGRESS_MS = 100;
/** Completions to try when the server's list of parts differs from ours (two tabs, a raced part). */
const COMPLETIONS = 3;
const SETTLE_MS = 2_000;
const SETTLE_TRIES = 30;

/** Refusals of a start that mean the server holds no upload of this request: what an earlier try had made, it would have found. */
const NEVER_STARTED = [
  "InvalidRequest",
  "ContentTypeNotAllowed",
  "ContentMismatch",
  "FileTooLarge",
  "QuotaExceeded",
] as const;

/** Fingerprint of a file without reading it: 64 bits over name, size and time of change. */
export function fingerprintOf({ name, size, lastModified }: FileSource): string {
  return crc64(new TextEncoder().encode(`${name}:${size}:${lastModified}`)).toString(16);
}

/** An upload. Made by `createUploader().upload(file)`; it starts by itself. */
export class Upload {
  readonly fingerprint: string;
  readonly #environment: Environment;
  readonly #api: UploadApi;
  readonly #settings: UploadSettings;
  readonly #pool: ConnectionPool;
  readonly #experience: Experience;
  readonly #listeners: { [K in keyof UploadEvents]: Set<(value: UploadEvents[K]) => void> } = {
    state: new Set(),
    progress: new Set(),
  };
  #state: TransferState = "preparing";
  #error: UploadError | undefined;
  #description: UploadDescription | undefined;
  #ledger: Ledger | undefined;
  #sender: PartSender | undefined;
  /** Set from the moment the start may have reached the server; kept in the store, because the same id yields the same upload. */
  #requestId: string | undefined;
  /** The upload is brand-new: the server need not be asked what it holds. */
  #unsent = false;
  #signWindow: number;
  #controller = new AbortController();
  #run: Promise<void> | undefined;
  #lastProgress = -Infinity;

  constructor(
    readonly file: FileSource,
    environment: Environment,
    api: UploadApi,
    settings: UploadSettings,
    pool: ConnectionPool,
    experience: Experience,
  ) {
    this.#environment = environment;
    this.#api = api;
    this.#settings = settings;
    this.#pool = pool;
    this.#experience = experience;
    this.fingerprint = fingerprintOf(file);
    this.#signWindow = settings.signWindow;
    this.resume();
  }

  get state(): TransferState {
    return this.#state;
  }

  /** Why the upload has failed. */
  get error(): UploadError | undefined {
    return this.#error;
  }

  /** The upload as the server knows it, once it does. */
  get description(): UploadDescription | undefined {
    return this.#description;
  }

  get progress(): TransferProgress {
    const ledger = this.#ledger;
    const sender = this.#sender;
    const total = this.file.size;
    const bytesPerSecond = sender?.bytesPerSecond ?? 0;
    const bytes =
      this.#state === "completed"
        ? total
        : Math.min(total, (ledger?.finishedBytes ?? 0) + (sender?.bytesUnderWay ?? 0));
    return {
      bytes,
      total,
      bytesPerSecond,
      ...(bytesPerSecond > 0 && { secondsLeft: (total - bytes) / bytesPerSecond }),
      finishedParts: ledger?.finishedParts ?? 0,
      partCount: this.#description?.partCount ?? 0,
      activeConnections: sender?.activeConnections ?? 0,
      route: sender ? (sender.route ?? "both") : "direct",
      online: this.#environment.connectivity.isOnline(),
    };
  }

  /** Listens to an event; the result takes the listener away. */
  on<K extends keyof UploadEvents>(event: K, listener: (value: UploadEvents[K]) => void): () => void {
    this.#listeners[event].add(listener);
    return () => void this.#listeners[event].delete(listener);
  }

  /**
   * Resolves once the upload is completed.
   * @throws UploadError when it fails or is cancelled
   */
  done(): Promise<UploadDescription> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        if (this.#state === "completed") resolve(this.#description!);
        else if (this.#state === "failed") reject(this.#error!);
        else if (this.#state === "cancelled") reject(stopped());
      };
      this.on("state", settle);
      settle();
    });
  }

  /** Stops sending; what has arrived stays. Resolves when nothing is under way any more. */
  async pause(): Promise<void> {
    if (!this.#run) return;
    this.#controller.abort(stopped());
    await this.#run;
    if (!this.#ended && this.#state !== "failed") this.#enter("paused");
  }

  /** Goes on after a pause or a failure. */
  resume(): void {
    if (this.#run || this.#ended) return;
    this.#controller = new AbortController();
    const { signal } = this.#controller;
    this.#error = undefined;
    this.#enter("preparing");
    this.#run = this.#transfer(signal)
      .catch((error: unknown) => {
        if (!signal.aborted) this.#failWith(error);
      })
      .finally(() => {
        this.#run = undefined;
      });
  }

  /** Stops and removes everything that has arrived. Resolves when the server has confirmed it. */
  async cancel(): Promise<void> {
    if (this.#ended) return;
    this.#enter("cancelling");
    this.#controller.abort(stopped());
    await this.#run;
    // The completion may have been faster.
    if (this.state === "completed") return;
    this.#enter("cancelling");
    try {
      await this.#removeFromServer();
      if (this.state === "cancelling") this.#enter("cancelled");
    } catch (error) {
      this.#failWith(error);
    }
  }

  /** Nothing can be done any more. */
  get #ended(): boolean {
    return /^c(ompleted|ancel)/.test(this.#state);
  }

  async #removeFromServer(): Promise<void> {
    const { signal } = new AbortController();
    // The start was sent, but its answer never came: the same request id yields the upload it may have made.
    if (!this.#description && this.#requestId) {
      await this.#start(signal).catch((error: unknown) => {
        if (!hasCode(error, ...NEVER_STARTED)) throw error;
      });
    }
    const upload = this.#description;
    if (upload) {
      try {
        await this.#api.abort(upload.uploadId, signal);
      } catch (error) {
        if (!hasCode(error, "UploadNotOpen")) throw error;
        const { upload: current } = await this.#api.describe(upload.uploadId, signal);
        if (current.state === "completed") {
          this.#complete(current);
          return;
        }
      }
    }
    this.#forget();
  }

  async #transfer(signal: AbortSignal): Promise<void> {
    const { locks } = this.#environment;
    for (let fresh = 0; ; fresh++) {
      await this.#open(signal);
      const { uploadId } = this.#description!;
      try {
        const work = (): Promise<void> => this.#sendAndComplete(signal);
        if (locks) this.#enter("waiting");
        await (locks ? locks.hold(this.#settings.storePrefix + uploadId, signal, work) : work());
        return;
      } catch (error) {
        if (!hasCode(error, "UploadConflict") || fresh) throw error;
        // Amazon S3 met a conflicting operation: only a fresh upload helps.
        await this.#api.abort(uploadId, signal).catch(() => undefined);
        this.#forget();
      }
    }
  }

  /** Finds the upload (this object's, the store's, the server's) or starts one. */
  async #open(signal: AbortSignal): Promise<void> {
    const known = this.#description?.uploadId ?? this.#settings.uploadId;
    if (known) this.#description = (await this.#api.describe(known, signal)).upload;
    else if (this.#settings.resume && !(await this.#findStored(signal))) await this.#findOnServer(signal);
    if (!this.#description) await this.#start(signal);
    if (isGone(this.#description!) && !this.#settings.uploadId) {
      this.#forget();
      await this.#start(signal);
    }
    if (this.#description!.size !== this.file.size) throw new UploadError("FileChanged", FILE_CHANGED);
  }

  async #findStored(signal: AbortSignal): Promise<boolean> {
    this.#requestId = this.#environment.store.get(this.#storeKey) ?? undefined;
    if (!this.#requestId) return false;
    try {
      await this.#start(signal);
    } catch (error) {
      // Only an id that belongs to another file is useless. After any other refusal an earlier try may still reach the server, and a
      // fresh id would leave its upload behind.
      if (signal.aborted || !hasCode(error, "InvalidRequest")) throw error;
    }
    // "completed": the answer to the completion was lost with the page; the file is there.
    if (/^(open|complet)/.test(this.#description?.state ?? "")) return true;
    this.#forget();
    return false;
  }

  async #findOnServer(signal: AbortSignal): Promise<void> {
    const { uploads } = await this.#api.list("open", signal);
    const found = uploads.find(({ fingerprint, size }) => fingerprint === this.fingerprint && size === this.file.size);
    if (found) this.#description = found;
  }

  async #start(signal: AbortSignal): Promise<void> {
    const file = this.file;
    const settings = this.#settings;
    const head = new Uint8Array(await file.slice(0, Math.min(64, file.size)).arrayBuffer());
    signal.throwIfAborted();
    this.#unsent = !this.#requestId;
    this.#requestId ??= this.#environment.randomId();
    if (settings.resume) this.#environment.store.set(this.#storeKey, this.#requestId);
    const { upload, signWindow } = await this.#api.start(
      {
        fileName: file.name,
        size: file.size,
        contentType: settings.contentType,
        requestId: this.#requestId,
        partSize: settings.partSize ?? choosePartSize(file.size, this.#experience.bytesPerSecond),
        firstBytes: btoa(String.fromCharCode(...head)),
        fingerprint: this.fingerprint,
      },
      signal,
    );
    this.#description = upload;
    this.#signWindow = Math.min(signWindow, settings.signWindow);
  }

  async #sendAndComplete(signal: AbortSignal): Promise<void> {
    let refused = false;
    for (let tries = 1; ; tries++) {
      const current = await this.#describeSettled(signal, refused);
      const { upload } = current;
      if (upload.state === "completed") {
        this.#complete(upload);
        return;
      }
      if (isGone(upload)) throw new UploadError("UploadNotOpen", "The upload was removed.");
      try {
        const ledger = this.#adopt(current);
        this.#enter("uploading");
        await this.#send(ledger, signal);
        this.#enter("completing");
        const body = { parts: ledger.completedParts(), checksum: ledger.wholeChecksum() };
        this.#complete((await this.#api.complete(upload.uploadId, body, signal)).upload);
        return;
      } catch (error) {
        // Another tab completed or removed it, or S3 holds other parts than we think: look again.
        if (!hasCode(error, "PartsMismatch", "UploadNotOpen") || tries === COMPLETIONS) throw error;
        refused = true;
      }
    }
  }

  /** The server's view; while another tab's completion runs, waits for its outcome. Our own is repeated at once, until it is refused. */
  async #describeSettled(signal: AbortSignal, refused: boolean): Promise<DescribeUploadResponse> {
    if (this.#unsent) {
      this.#unsent = false;
      return { upload: this.#description!, parts: [] };
    }
    for (let tries = 1; ; tries++) {
      const current = await this.#api.describe(this.#description!.uploadId, signal);
      const mayComplete = this.#ledger?.complete && (!refused || tries === SETTLE_TRIES);
      if (current.upload.state !== "completing" || mayComplete) return current;
      if (tries === SETTLE_TRIES) throw new UploadError("TryAgain", "The upload service did not answer.");
      await sleep(this.#environment.clock, SETTLE_MS, signal);
    }
  }

  #adopt({ upload, parts }: DescribeUploadResponse): Ledger {
    if (this.#ledger?.upload.uploadId !== upload.uploadId) {
      this.#ledger = new Ledger(this.file, this.#environment.hasher, upload);
    }
    this.#description = upload;
    // A completing upload lists no parts; then what we know holds.
    if (upload.state === "open") this.#ledger.adopt(parts);
    return this.#ledger;
  }

  async #send(ledger: Ledger, signal: AbortSignal): Promise<void> {
    const failed = new AbortController();
    const either = AbortSignal.any([signal, failed.signal]);
    const settings = { ...this.#settings, signWindow: this.#signWindow };
    this.#sender = new PartSender(this.#environment, this.#api, ledger, settings, this.#pool, this.#experience, () =>
      this.#report(),
    );
    const work = [ledger.verify(either), this.#sender.run(either)];
    try {
      await Promise.all(work);
    } catch (error) {
      failed.abort(error);
      throw error;
    } finally {
      await Promise.allSettled(work);
      this.#report(true);
      this.#sender = undefined;
    }
  }

  #complete(upload: UploadDescription): void {
    this.#description = upload;
    this.#environment.store.remove(this.#storeKey);
    this.#enter("completed");
  }

  #failWith(error: unknown): void {
    this.#error =
      error instanceof UploadError ? error : new UploadError("Internal", String(error), undefined, { cause: error });
    this.#enter("failed");
  }

  #enter(state: TransferState): void {
    if (this.#state !== state) {
      this.#state = state;
      this.#emit("state", state);
    }
    this.#report(true);
  }

  #report(now = false): void {
    const at = this.#environment.clock.now();
    if (!now && at - this.#lastProgress < PROGRESS_MS) return;
    this.#lastProgress = at;
    this.#emit("progress", this.progress);
  }

  #emit<K extends keyof UploadEvents>(event: K, value: UploadEvents[K]): void {
    for (const listener of this.#listeners[event]) listener(value);
  }

  get #storeKey(): string {
    return this.#settings.storePrefix + this.fingerprint;
  }

  #forget(): void {
    this.#environment.store.remove(this.#storeKey);
    this.#description = this.#ledger = this.#requestId = undefined;
  }
}

/** Aborted, abandoned, failed or deleted. */
function isGone({ state }: UploadDescription): boolean {
  return /^[adf]/.test(state);
}

function stopped(): UploadError {
  return new UploadError("Cancelled", "The upload was stopped.");
}

function hasCode(error: unknown, ...codes: UploadErrorCode[]): boolean {
  return error instanceof UploadError && codes.includes(error.code);
}
