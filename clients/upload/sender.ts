// Sends the missing parts of one upload: hashes and signs just ahead of time, several connections at once, every part with
// its own retries, and the last slow part raced by a second try.

import type { SignedPart } from "../../handlers/upload/contract";
import type { UploadApi } from "./api";
import type { Environment } from "./environment";
import type { Ledger } from "./ledger";
import { type Acceleration, ConnectionPace, type Experience, Meter, type Route, RouteChooser } from "./pace";
import { recover, type RetryPolicy } from "./retry";
import type { PartAnswer } from "./transport";
import { judgeAnswer, type Verdict } from "./verdict";

/** Settings of a sender. */
export interface SenderSettings {
  /** Exactly so many connections; left out, the number adapts. */
  readonly parallel?: number;
  readonly acceleration: Acceleration;
  readonly signWindow: number;
  readonly retry: RetryPolicy;
  /** Silence after which a part counts as lost, in milliseconds. */
  readonly stallMs: number;
}

/** Connections that all uploads of one uploader share. */
export interface ConnectionPool {
  readonly maximum: number;
  members: number;
}

/** One try of one part. */
interface Attempt {
  readonly part: ReadyPart;
  readonly route: Route;
  readonly startedAt: number;
  readonly controller: AbortController;
  sent: number;
  movedAt: number;
  /** A second try of the same part is under way, or this is it. */
  raced: boolean;
}

interface ReadyPart extends SignedPart {
  readonly freshUntil: number;
}

/** Time between two looks at stalls, stragglers and connections, in milliseconds. */
const TICK_MS = 500;
/** A signature is not used in its last seconds: the clock of this device may be off. */
const EXPIRY_MARGIN_MS = 15_000;
/** Sign no more than what leaves in this time. */
const SIGN_AHEAD_SECONDS = 20;
/** Slowest line on which a part is still waited for when the transport reports no progress, in bytes per second. */
const SLOWEST = 2 ** 15;

/** Sends parts until none is missing. Use once. */
export class PartSender {
  readonly #environment: Environment;
  readonly #api: UploadApi;
  readonly #ledger: Ledger;
  readonly #settings: SenderSettings;
  readonly #pool: ConnectionPool;
  readonly #experience: Experience;
  readonly #changed: () => void;
  readonly #stop = new AbortController();
  readonly #tasks = new Set<Promise<void>>();
  readonly #attempts = new Set<Attempt>();
  readonly #failures = new Map<number, number>();
  readonly #done = Promise.withResolvers<void>();
  readonly #pace: ConnectionPace;
  readonly #routes: RouteChooser;
  readonly #meter: Meter;
  readonly #pending: number[];
  #ready: ReadyPart[] = [];
  #slots = 0;
  #batch = 0;
  #preparing = false;
  #timer: { cancel(): void } | undefined;

  constructor(
    environment: Environment,
    api: UploadApi,
    ledger: Ledger,
    settings: SenderSettings,
    pool: ConnectionPool,
    experience: Experience,
    changed: () => void,
  ) {
    this.#environment = environment;
    this.#api = api;
    this.#ledger = ledger;
    this.#settings = settings;
    this.#pool = pool;
    this.#experience = experience;
    this.#changed = changed;
    const now = environment.clock.now();
    this.#meter = new Meter(now);
    this.#pace = new ConnectionPace(now, pool.maximum, environment.transport.reportsProgress ? 0 : 2);
    this.#routes = new RouteChooser(settings.acceleration, experience);
    this.#pending = ledger.missing();
  }

  get bytesPerSecond(): number {
    return this.#meter.rate(this.#environment.clock.now());
  }

  get activeConnections(): number {
    return this.#attempts.size;
  }

  /** Undefined while both routes are being measured. */
  get route(): Route | undefined {
    return this.#routes.choice;
  }

  /** Bytes of unfinished parts that have left. A part that is sent twice counts once. */
  get bytesUnderWay(): number {
    const best = new Map<number, number>();
    for (const { part, sent } of this.#attempts) {
      best.set(part.partNumber, Math.max(sent, best.get(part.partNumber) ?? 0));
    }
    return [...best.values()].reduce((sum, sent) => sum + sent, 0);
  }

  /** Resolves when S3 holds every part; rejects on the first lasting failure. Nothing is under way any more either way. */
  async run(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const onAbort = (): void => this.#fail(signal.reason);
    signal.addEventListener("abort", onAbort);
    this.#pool.members++;
    this.#tick();
    try {
      await this.#done.promise;
    } finally {
      this.#pool.members--;
      this.#timer?.cancel();
      signal.removeEventListener("abort", onAbort);
      this.#stop.abort();
      await Promise.allSettled(this.#tasks);
    }
  }

  get #limit(): number {
    const share = Math.max(1, Math.floor(this.#pool.maximum / this.#pool.members));
    return this.#settings.parallel ?? Math.min(share, this.#pace.connections);
  }

  #fail(error: unknown): void {
    this.#done.reject(error);
    this.#stop.abort(error);
  }

  #spawn(work: Promise<void>): void {
    const task = work.catch((error: unknown) => this.#fail(error)).finally(() => this.#tasks.delete(task));
    this.#tasks.add(task);
  }

  /** Keeps all connections busy. Called whenever something has ended. */
  #pump(): void {
    if (this.#stop.signal.aborted) return;
    if (this.#ledger.complete) {
      this.#done.resolve();
      return;
    }
    if (!this.#preparing && this.#pending.length && this.#ready.length <= Math.max(this.#limit, this.#batch / 2)) {
      this.#spawn(this.#prepare());
    }
    while (this.#slots < this.#limit) {
      const ready = this.#takeReady();
      const part = ready ?? this.#findStraggler();
      if (!part) break;
      this.#spawn(this.#sendPart(part, !ready));
    }
    this.#changed();
  }

  #takeReady(): ReadyPart | undefined {
    const now = this.#environment.clock.now();
    const fresh = this.#ready.findIndex(({ freshUntil }) => freshUntil > now);
    const expired = this.#ready.splice(0, fresh < 0 ? this.#ready.length : fresh);
    this.#pending.unshift(...expired.map(({ partNumber }) => partNumber));
    return this.#ready.shift();
  }

  /** Hashes and signs the next parts. */
  async #prepare(): Promise<void> {
    this.#preparing = true;
    const ahead = Math.floor((this.bytesPerSecond * SIGN_AHEAD_SECONDS) / this.#ledger.upload.partSize);
    // The first batch is small, so that the first bytes leave soon.
    const wanted = this.#batch ? Math.max(2 * this.#limit, ahead) : this.#limit;
    const batch = this.#pending.splice(0, Math.min(wanted, this.#settings.signWindow));
    this.#batch = batch.length;
    try {
      const parts = [];
      for (const partNumber of batch) {
        parts.push({ partNumber, checksum: await this.#ledger.hash(partNumber) });
        this.#stop.signal.throwIfAborted();
      }
      const signed = await this.#api.sign(this.#ledger.upload.uploadId, { parts }, this.#stop.signal);
      const now = this.#environment.clock.now();
      // A device whose clock runs ahead sees only expired signatures; then a 403 tells when to sign again.
      const lifetime = Date.parse(signed.expiresAt) - now - EXPIRY_MARGIN_MS;
      const freshUntil = now + Math.max(lifetime, EXPIRY_MARGIN_MS);
      this.#ready.push(...signed.parts.map((part) => ({ ...part, freshUntil })));
    } finally {
      this.#preparing = false;
    }
    this.#pump();
  }

  async #sendPart(part: ReadyPart, raced = false): Promise<void> {
    this.#slots++;
    try {
      const attempt = this.#open(part, raced);
      const verdict = await this.#try(attempt);
      const others = [...this.#attempts].filter(({ part: other }) => other.partNumber === part.partNumber);
      this.#learn(attempt, verdict);
      if (verdict.action === "finish") {
        this.#ledger.finish(part.partNumber, verdict.eTag);
        for (const other of others) other.controller.abort();
      } else if (!this.#ledger.isFinished(part.partNumber) && !others.length) {
        await this.#again(part, verdict);
      }
    } finally {
      this.#slots--;
    }
    this.#pump();
  }

  #open(part: ReadyPart, raced: boolean): Attempt {
    const now = this.#environment.clock.now();
    const route = part.acceleratedUrl ? this.#routes.next() : "direct";
    const attempt = { part, route, startedAt: now, movedAt: now, sent: 0, raced, controller: new AbortController() };
    this.#attempts.add(attempt);
    return attempt;
  }

  async #try(attempt: Attempt): Promise<Verdict> {
    const { part, route, controller } = attempt;
    let answer: PartAnswer | undefined;
    try {
      answer = await this.#environment.transport.send({
        url: (route === "accelerated" ? part.acceleratedUrl : undefined) ?? part.url,
        headers: part.headers,
        body: this.#ledger.slice(part.partNumber),
        signal: AbortSignal.any([this.#stop.signal, controller.signal]),
        onProgress: (sent) => this.#move(attempt, sent),
      });
    } catch {
      this.#stop.signal.throwIfAborted();
    } finally {
      this.#attempts.delete(attempt);
      if (part.acceleratedUrl) this.#routes.release(route);
    }
    return judgeAnswer(answer);
  }

  #move(attempt: Attempt, sent: number): void {
    const moved = sent - attempt.sent;
    if (moved <= 0) return;
    const now = this.#environment.clock.now();
    attempt.sent = sent;
    attempt.movedAt = now;
    this.#meter.add(now, moved);
    this.#pace.add(now, moved, 0);
    this.#changed();
  }

  #learn(attempt: Attempt, verdict: Verdict): void {
    const { part, route, startedAt } = attempt;
    const now = this.#environment.clock.now();
    if (verdict.action === "finish") {
      this.#move(attempt, part.size);
      this.#pace.add(now, 0, 1);
      this.#routes.succeed(route, part.size, now - startedAt);
    } else if (verdict.action === "retry") {
      if (verdict.slowDown) this.#pace.slowDown(now);
      // A loser of a race was stopped by us; being offline says nothing about the route either.
      const lost = !this.#ledger.isFinished(part.partNumber) && this.#environment.connectivity.isOnline();
      if (part.acceleratedUrl && lost && !verdict.slowDown) this.#routes.fail(route);
    }
  }

  /** Puts a failed part back in the queue, after a pause. */
  async #again(part: ReadyPart, verdict: Exclude<Verdict, { action: "finish" }>): Promise<void> {
    const { partNumber } = part;
    const before = this.#failures.get(partNumber) ?? 0;
    this.#failures.set(
      partNumber,
      await recover(this.#environment, this.#settings.retry, verdict.error, before, this.#stop.signal),
    );
    if (verdict.action === "rehash") this.#ledger.forgetHash(partNumber);
    if (verdict.action === "retry") this.#ready.unshift(part);
    else this.#pending.unshift(partNumber);
  }

  /** When nothing else is left to send, the part that will take far longer than a second try of it would. */
  #findStraggler(): ReadyPart | undefined {
    if (this.#pending.length || this.#preparing || !this.#experience.bytesPerSecond) return undefined;
    const now = this.#environment.clock.now();
    const freshMsPerByte = 1000 / this.#experience.bytesPerSecond;
    for (const attempt of this.#attempts) {
      const { part, sent, raced, startedAt } = attempt;
      const elapsed = now - startedAt;
      const freshMs = freshMsPerByte * part.size;
      const leftMs = sent ? (elapsed * (part.size - sent)) / sent : elapsed;
      if (raced || part.freshUntil < now || elapsed < 2 * freshMs + TICK_MS || leftMs < 1.5 * freshMs) continue;
      attempt.raced = true;
      return part;
    }
    return undefined;
  }

  #tick(): void {
    if (this.#stop.signal.aborted) return;
    const { clock, transport } = this.#environment;
    const now = clock.now();
    for (const { part, movedAt, controller } of this.#attempts) {
      const patience = this.#settings.stallMs + (transport.reportsProgress ? 0 : (1000 * part.size) / SLOWEST);
      if (now - movedAt > patience) controller.abort();
    }
    this.#timer = clock.setTimer(TICK_MS, () => this.#tick());
    this.#pump();
  }
}
