// An emulated network in user space: TCP relays on loopback that share one rate, delay each way by half the round trip, charge a
// round trip for each new connection, and let every connection start slowly up to its window. Models upload; answers are delayed only.
// It runs in a thread of its own: while client or server compute, what is on the way goes on.
import { once } from "node:events";
import * as net from "node:net";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";

/** The path from a client to one host. */
export interface PathSettings {
  /** Port of the host on loopback. */
  readonly targetPort: number;
  /** Round trip in milliseconds. */
  readonly roundTripMs: number;
  /** Most bytes that one connection may have under way: receive window. */
  readonly windowBytes: number;
}

/** What a client reaches hosts over. */
export interface LinkSettings {
  /** Rate that all paths share. */
  readonly bitsPerSecond: number;
  readonly paths: readonly PathSettings[];
}

/** An open link. */
export interface Link {
  /** A port for each path, in their order. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

/** Opens a link. */
export async function openLink(settings: LinkSettings): Promise<Link> {
  const worker = new Worker(__filename, { workerData: settings });
  const [ports] = (await once(worker, "message")) as [readonly number[]];
  return { ports, close: async () => void (await worker.terminate()) };
}

class SharedRate {
  private freeAt = 0;

  constructor(private readonly bitsPerSecond: number) {}

  /** When so many bytes have left, if they queue now. */
  reserve(bytes: number, now: number): number {
    this.freeAt = Math.max(this.freeAt, now) + (bytes * 8000) / this.bitsPerSecond;
    return this.freeAt;
  }
}

const INITIAL_WINDOW_BYTES = 10 * 1460;
const CHUNK_BYTES = 16 * 1024;

/** Opens a relay that stands for a path. Returns its port. */
async function openRelay(path: PathSettings, rate: SharedRate): Promise<number> {
  const server = net.createServer((client) => {
    const upstream = net.connect(path.targetPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true);
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
      socket.on("close", () => {
        // A request that was given up must not linger on the other side.
        if (socket === client && !client.readableEnded) upstream.destroy();
      });
    }
    new Sender(client, upstream, path, rate);
    delayAnswers(upstream, client, path.roundTripMs / 2);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as net.AddressInfo).port;
}

/** Slow start and window of one direction of one connection. */
class Sender {
  private readonly waiting: Buffer[] = [];
  /** On the way, in order: timers of different lengths must not let chunks overtake each other. */
  private readonly travelling: Buffer[] = [];
  private waitingBytes = 0;
  private underWay = 0;
  private congestionWindow = INITIAL_WINDOW_BYTES;
  private open = false;
  private ended = false;

  constructor(
    private readonly client: net.Socket,
    private readonly upstream: net.Socket,
    private readonly path: PathSettings,
    private readonly rate: SharedRate,
  ) {
    client.on("data", (data) => this.take(data));
    client.on("end", () => {
      this.ended = true;
      this.pump();
    });
    // The handshake of TCP: nothing leaves before a round trip.
    setTimeout(() => {
      this.open = true;
      this.pump();
    }, path.roundTripMs);
  }

  private take(data: Buffer): void {
    for (let offset = 0; offset < data.length; offset += CHUNK_BYTES) {
      this.waiting.push(data.subarray(offset, offset + CHUNK_BYTES));
    }
    this.waitingBytes += data.length;
    if (this.waitingBytes > this.path.windowBytes) this.client.pause();
    this.pump();
  }

  private pump(): void {
    if (!this.open) return;
    const now = performance.now();
    for (let chunk = this.waiting[0]; chunk; chunk = this.waiting[0]) {
      if (this.underWay > 0 && this.underWay + chunk.length > this.congestionWindow) break;
      this.waiting.shift();
      this.send(chunk, now);
    }
    if (this.client.isPaused() && this.waitingBytes < this.path.windowBytes / 2) this.client.resume();
    if (this.ended && this.waiting.length === 0 && this.underWay === 0) this.upstream.end();
  }

  private send(chunk: Buffer, now: number): void {
    this.waitingBytes -= chunk.length;
    this.underWay += chunk.length;
    const leaves = this.rate.reserve(chunk.length, now) - now;
    const half = this.path.roundTripMs / 2;
    this.travelling.push(chunk);
    setTimeout(() => this.upstream.write(this.travelling.shift() ?? ""), leaves + half);
    setTimeout(() => {
      this.underWay -= chunk.length;
      // Slow start: each acknowledged byte lets two follow.
      this.congestionWindow = Math.min(this.path.windowBytes, this.congestionWindow + chunk.length);
      this.pump();
    }, leaves + this.path.roundTripMs);
  }
}

function delayAnswers(upstream: net.Socket, client: net.Socket, delayMs: number): void {
  const travelling: Buffer[] = [];
  upstream.on("data", (data) => {
    travelling.push(data);
    setTimeout(() => client.write(travelling.shift() ?? ""), delayMs);
  });
  upstream.on("end", () => setTimeout(() => client.end(), delayMs));
}

async function serve({ bitsPerSecond, paths }: LinkSettings): Promise<void> {
  const rate = new SharedRate(bitsPerSecond);
  parentPort?.postMessage(await Promise.all(paths.map((path) => openRelay(path, rate))));
}

if (!isMainThread) void serve(workerData as LinkSettings);
