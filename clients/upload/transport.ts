// How one part travels: XMLHttpRequest where progress within a part matters, fetch elsewhere.

/** One part on its way to Amazon S3. */
export interface PartRequest {
  readonly url: string;
  /** Sent exactly as given: the signature covers them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Blob;
  readonly signal: AbortSignal;
  /** Bytes of this part that have left so far. */
  onProgress(sentBytes: number): void;
}

/** The answer to a part, read to its end: an unread answer would cost the connection. */
export interface PartAnswer {
  readonly status: number;
  /** Null when the answer has none, or CORS hides it. */
  readonly eTag: string | null;
  /** XML of a refusal; empty on success. */
  readonly body: string;
}

/** Sends parts. Rejects on network failure and on abort, resolves with any HTTP answer. */
export interface PartTransport {
  /** Whether `onProgress` is called before the answer; without it, a stalled part is noticed later. */
  readonly reportsProgress: boolean;
  send(request: PartRequest): Promise<PartAnswer>;
}

/** Sends parts by fetch. It knows no progress within a part. */
export function fetchTransport(fetcher: typeof fetch): PartTransport {
  return {
    reportsProgress: false,
    async send({ url, headers, body, signal }) {
      const response = await fetcher(url, { method: "PUT", headers, body, signal, credentials: "omit" });
      return { status: response.status, eTag: response.headers.get("etag"), body: await response.text() };
    },
  };
}

/** The part of XMLHttpRequest that sending needs. */
export interface XhrLike {
  readonly status: number;
  readonly responseText: string;
  readonly upload: { onprogress: ((event: never) => void) | null };
  onload: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  onabort: ((event: never) => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: Blob): void;
  abort(): void;
}

/** Sends parts by XMLHttpRequest, the only browser interface that reports upload progress. */
export function xhrTransport(createXhr: () => XhrLike): PartTransport {
  return {
    reportsProgress: true,
    send: ({ url, headers, body, signal, onProgress }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const xhr = createXhr();
        const onAbort = (): void => xhr.abort();
        const settle = (action: () => void) => () => {
          signal.removeEventListener("abort", onAbort);
          action();
        };
        xhr.open("PUT", url);
        for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
        xhr.upload.onprogress = (event: { readonly loaded: number }) => onProgress(event.loaded);
        xhr.onload = settle(() =>
          resolve({ status: xhr.status, eTag: xhr.getResponseHeader("etag"), body: xhr.responseText }),
        );
        xhr.onerror = settle(() => reject(new TypeError("network failure")));
        xhr.onabort = settle(() => reject(signal.reason as Error));
        signal.addEventListener("abort", onAbort, { once: true });
        xhr.send(body);
      }),
  };
}
