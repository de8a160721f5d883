// A virtual clock for code that calls the embedded cloud over HTTP: time stands still while a request of this process is under way.
import { channel } from "node:diagnostics_channel";
import type { ClientRequest } from "node:http";
import { VirtualClock } from "../../local/cloud/core/clock";

/** A clock that waits for sockets. */
export interface IoClock {
  readonly clock: VirtualClock;
  /** Ends the observation of requests. */
  close(): void;
}

const CHANNEL = "http.client.request.start";
/** Turns of the event loop without a request before time moves on: an answer may be about to cause the next request. */
const QUIET_TURNS = 2;

/** Creates the clock. Long polls do not hold it: they wait for time themselves. */
export function createIoClock(): IoClock {
  const pending = new Set<ClientRequest>();
  const onStart = (message: unknown): void => {
    const { request } = message as { readonly request: ClientRequest };
    if (request.getHeader("x-amz-target") === "AmazonSQS.ReceiveMessage") return;
    pending.add(request);
    request.once("close", () => pending.delete(request));
  };
  const started = channel(CHANNEL);
  started.subscribe(onStart);
  const settle = async (): Promise<void> => {
    for (let quiet = 0; quiet < QUIET_TURNS;) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = pending.size === 0 ? quiet + 1 : 0;
    }
  };
  return { clock: new VirtualClock(undefined, settle), close: () => started.unsubscribe(onStart) };
}
