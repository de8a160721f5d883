// An emulated network path in user space: a TCP relay on loopback that shares one rate, delays each way by half the round trip, charges a
// round trip for each new connection, and lets every connection start slowly up to its window. Models upload; answers are delayed only.
import * as net from "node:net";

/** The path from a client to one host. */
export interface PathSettings {
  /** Round trip in milliseconds. */
  readonly roundTripMs: number;
  /** Most bytes that one connection may have under way: receive window. */
  readonly windowBytes: number;
}

/** Rate that all paths of a client share, in bits per second. */
export class SharedRate {
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

/** A relay that stands for a path. */
export interface Relay {
  readonly port: number;
  /** Connections that were opened through it. */
  connections(): number;
  close(): void;
}

/** Opens a relay to a port on loopback. */
export async function openRelay(targetPort: number, path: PathSettings, rate: SharedRate): Promise<Relay> {
  let count = 0;
  const sockets = new Set<net.Socket>();
  const server = net.createServer((client) => {
    count += 1;
    const upstream = net.connect(targetPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => {
        client.destroy();
        upstream.destroy();
      });
      socket.on("close", () => {
        sockets.delete(socket);
        // A request that was given up must not linger on the other side.
        if (socket === client && !client.readableEnded) upstream.destroy();
      });
    }
    new Sender(client, upstream, path, rate);
    delayAnswers(upstream, client, path.roundTripMs / 2);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    connections: () => count,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
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
