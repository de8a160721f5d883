// Computes part checksums: in a worker, so that the page stays fluid, or inline where there is none.

import { buildCrc64, CRC64_START, finishCrc64, updateCrc64, type Crc64State } from "./crc64";

/** Computes checksums of blobs. */
export interface Hasher {
  /** CRC-64/NVME of the blob's bytes. Rejects when the blob cannot be read. */
  hash(blob: Blob): Promise<bigint>;
  /** Ends the worker, if there is one. */
  close(): void;
}

/** The part of a Web Worker that hashing needs. */
export interface WorkerLike {
  onmessage: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  postMessage(message: unknown): void;
  terminate(): void;
}

/** Job number and result; without a result the blob could not be read. */
type HashReply = readonly [id: number, state?: Crc64State];

/** Bytes read at a time: keeps memory flat and lets other work in between. */
const SLICE_BYTES = 2 ** 21;

/** Hashes on the calling thread. */
export function createInlineHasher(): Hasher {
  return { hash: hashInline, close: () => undefined };
}

async function hashInline(blob: Blob): Promise<bigint> {
  let state = CRC64_START;
  for (let at = 0; at < blob.size; at += SLICE_BYTES) {
    state = updateCrc64(state, new Uint8Array(await blob.slice(at, at + SLICE_BYTES).arrayBuffer()));
  }
  return finishCrc64(state);
}

/**
 * Script of the hashing worker. It is made from the very function that hashes inline. `__name` is a helper that some
 * TypeScript loaders weave into functions; in the worker it does nothing.
 */
export function workerSource(): string {
  return (
    `let __name=f=>f,update=(${buildCrc64.toString()})(),last=Promise.resolve();` +
    `onmessage=({data:[id,blob]})=>{last=last.then(async()=>{let s=[${CRC64_START.join()}],i=0;` +
    `for(;i<blob.size;i+=${SLICE_BYTES})` +
    `s=update(s,new Uint8Array(await blob.slice(i,i+${SLICE_BYTES}).arrayBuffer()));` +
    `postMessage([id,s])}).catch(()=>postMessage([id]))}`
  );
}

/**
 * Hashes in a worker, made on first use. Falls back to the calling thread when the worker cannot start (a content
 * security policy without `worker-src blob:`, say) or dies.
 */
export function createWorkerHasher(createWorker: (source: string) => WorkerLike): Hasher {
  const jobs = new Map<number, { blob: Blob; resolve(value: bigint | Promise<bigint>): void }>();
  let worker: WorkerLike | undefined;
  let usable = true;
  let lastId = 0;

  /** Without a state, the calling thread tries: it succeeds, or fails with the true reason. */
  function settle(id: number, state?: Crc64State): void {
    const job = jobs.get(id);
    jobs.delete(id);
    job?.resolve(state ? finishCrc64(state) : hashInline(job.blob));
  }

  function open(): WorkerLike {
    worker = createWorker(workerSource());
    worker.onerror = () => {
      usable = false;
      for (const id of jobs.keys()) settle(id);
    };
    worker.onmessage = ({ data }: { readonly data: unknown }) => settle(...(data as HashReply));
    return worker;
  }

  return {
    async hash(blob) {
      try {
        if (usable) worker ??= open();
      } catch {
        usable = false;
      }
      if (!usable) return hashInline(blob);
      return new Promise((resolve) => {
        jobs.set(++lastId, { blob, resolve });
        worker!.postMessage([lastId, blob]);
      });
    },
    close() {
      worker?.terminate();
      worker = undefined;
    },
  };
}
