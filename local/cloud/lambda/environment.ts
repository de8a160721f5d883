// One execution environment: a process, its phases (init, invoke, idle) and its end.
import type { ChildProcess } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import type { ServerResponse } from "node:http";
import path from "node:path";
import type { Readable } from "node:stream";
import type { Credentials } from "../core/access";
import type { Timer } from "../core/clock";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { FunctionDefinition } from "./definition";
import { exited, responseTooLarge, timedOut } from "./error-documents";
import { FunctionLog } from "./function-log";
import { INIT_TIMEOUT_MS } from "./limits";
import type { InvocationStatus } from "./log-lines";
import { killGroup, startProcess } from "./process";
import type { Job, Outcome } from "./runner";
import type { RuntimeApi, RuntimeListener } from "./runtime-api";
import { readFrames, readLines } from "./telemetry";

/** Phases. "returning": it has answered and not yet asked for the next event. */
export type EnvironmentState = "starting" | "idle" | "busy" | "returning" | "dead";

/** What an environment belongs to. */
export interface EnvironmentOwner {
  readonly context: CloudContext;
  readonly runtimeApi: RuntimeApi;
  onStateChange(environment: Environment): void;
}

interface Running {
  readonly job: Job;
  readonly resolve: (outcome: Outcome) => void;
  /** performance.now() at delivery; undefined while it waits for the process. */
  startedAt?: number;
  timer?: Timer;
  memoryCheck?: NodeJS.Timeout;
}

const MEBIBYTE = 1024 ** 2;
const MEMORY_CHECK_MS = 100;
const PAGE_BYTES = 4096;

/** A process that runs one event at a time. */
export class Environment implements RuntimeListener {
  state: EnvironmentState = "starting";
  lastUsedAt: number;
  readonly log: FunctionLog;
  private readonly token: string;
  private readonly temporaryDirectory: string;
  private child: ChildProcess | undefined;
  private next: ServerResponse | undefined;
  private running: Running | undefined;
  private initTimer: Timer | undefined;
  private initStartedAt = 0;
  private initDurationMs: number | undefined;
  private initRetried = false;
  private initError: Buffer | undefined;
  private maxRssBytes = 0;
  private killedForMemory = false;
  private ending = false;
  private unregister: () => void = () => undefined;
  private ended: Promise<void> = Promise.resolve();

  constructor(
    private readonly owner: EnvironmentOwner,
    readonly definition: FunctionDefinition,
    readonly id: string,
    readonly credentials: Credentials,
    principal: Principal,
  ) {
    const { context } = owner;
    this.token = context.uniqueId(40);
    this.log = new FunctionLog(context, definition, principal, id);
    this.lastUsedAt = context.clock.now();
    this.temporaryDirectory = path.join(context.dataDirectory, "lambda", "tmp", id);
  }

  /** Process id, for the console and for tests. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  /** The event that it runs or is about to run. */
  get currentRequestId(): string | undefined {
    return this.running?.job.requestId;
  }

  /** Starts the process; the init phase begins. */
  async start(): Promise<void> {
    mkdirSync(this.temporaryDirectory, { recursive: true });
    this.unregister = this.owner.runtimeApi.register(this.token, this);
    this.log.writeSystem(this.log.system.initStart());
    await this.spawn(INIT_TIMEOUT_MS);
  }

  /** Hands over one event. The environment must not be busy or dead. */
  run(job: Job): Promise<Outcome> {
    this.log.beginTail();
    return new Promise((resolve) => {
      this.running = { job, resolve };
      if (this.next) this.deliver(this.next, this.running);
      else if (this.state !== "starting") this.startTimeout(this.running);
    });
  }

  /** Whether the environment can take an event, now or as soon as it is ready. */
  get available(): boolean {
    return !this.running && !this.ending && (this.state === "idle" || this.state === "returning");
  }

  /** Ends the process; resolves when it is gone. */
  async kill(): Promise<void> {
    this.end();
    await this.ended;
  }

  onNext(response: ServerResponse): void {
    this.initTimer?.cancel();
    this.initDurationMs ??= performance.now() - this.initStartedAt;
    this.next = response;
    if (this.running) this.deliver(response, this.running);
    else this.setState("idle");
  }

  onResponse(requestId: string, body: Buffer | undefined): void {
    const { errorType, payload } = responseTooLarge();
    if (body) this.settle(requestId, "success", body);
    else this.settle(requestId, "error", payload, errorType);
  }

  onError(requestId: string, body: Buffer): void {
    this.settle(requestId, "error", body, readErrorType(body));
  }

  onInitError(body: Buffer): void {
    this.initError = body;
  }

  onMemory(bytes: number): void {
    this.maxRssBytes = Math.max(this.maxRssBytes, bytes);
  }

  private async spawn(initTimeoutMs: number): Promise<void> {
    const { context, runtimeApi } = this.owner;
    const address = await runtimeApi.address();
    if (this.ending) {
      this.onExit(null, "SIGKILL"); // ended before the process began
      return;
    }
    const child = startProcess(context, this.definition, {
      runtimeApi: address,
      token: this.token,
      logStream: this.log.stream,
      credentials: this.credentials,
      temporaryDirectory: this.temporaryDirectory,
    });
    this.child = child;
    this.initStartedAt = performance.now();
    this.initTimer = context.clock.setTimer(initTimeoutMs, () => this.onInitTimeout());
    const write = (line: string): void => this.log.write(line);
    for (const stream of [child.stdout, child.stderr]) if (stream) readLines(stream, write);
    readFrames(child.stdio[3] as Readable, write);
    this.ended = new Promise((resolve) => {
      // "close" comes after the last output has been read.
      child.once("close", (code, signal) => {
        if (this.child === child) this.onExit(code, signal);
        resolve();
      });
      child.once("error", () => undefined); // "close" follows
    });
  }

  private deliver(response: ServerResponse, running: Running): void {
    const { job } = running;
    const timeoutMs = this.definition.timeoutSeconds * 1000;
    this.next = undefined;
    running.startedAt = performance.now();
    this.startTimeout(running);
    running.memoryCheck = setInterval(() => this.checkMemory(), MEMORY_CHECK_MS).unref();
    this.setState("busy");
    this.log.writeSystem(this.log.system.start(job.requestId));
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": String(job.payload.length),
      "lambda-runtime-aws-request-id": job.requestId,
      // The process lives in real time, whatever the injected clock says.
      "lambda-runtime-deadline-ms": String(Date.now() + timeoutMs),
      "lambda-runtime-invoked-function-arn": job.invokedArn,
      "lambda-runtime-trace-id": traceHeader(job.requestId),
    });
    response.end(job.payload, () => job.onDelivered?.());
  }

  private startTimeout(running: Running): void {
    running.timer?.cancel();
    const timeoutMs = this.definition.timeoutSeconds * 1000;
    running.timer = this.owner.context.clock.setTimer(timeoutMs, () => this.onTimeout());
  }

  /** Lambda kills the process, says so in the log, and forgets the environment. */
  private onTimeout(): void {
    const running = this.running;
    if (!running) return;
    const { requestId } = running.job;
    this.log.writeSystem(this.log.system.timedOut(requestId));
    const { errorType, payload } = timedOut(this.definition, requestId);
    this.settle(requestId, "timeout", payload, errorType);
    this.end();
  }

  /** The init phase is repeated once, inside the function's own timeout; then the invocation has timed out. */
  private onInitTimeout(): void {
    const child = this.child;
    if (!child) return;
    if (this.initRetried || !this.running) {
      this.onTimeout();
      this.end();
      return;
    }
    this.initRetried = true;
    this.log.writeSystem(this.log.system.initTimedOut(performance.now() - this.initStartedAt));
    this.child = undefined;
    killGroup(child);
    void this.ended.then(() => this.spawn(this.definition.timeoutSeconds * 1000));
  }

  private settle(requestId: string, status: InvocationStatus, payload: Buffer, errorType?: string): void {
    const running = this.running;
    if (running?.job.requestId !== requestId) return; // it timed out, or the answer is for another event
    running.timer?.cancel();
    clearInterval(running.memoryCheck);
    this.running = undefined;
    const durationMs = running.startedAt === undefined ? 0 : performance.now() - running.startedAt;
    const initDurationMs = this.takeInitDuration();
    const facts = {
      status,
      durationMs,
      ...(errorType === undefined ? {} : { errorType }),
      ...(initDurationMs === undefined ? {} : { initDurationMs }),
    };
    const maxMemoryMebibytes = Math.ceil(this.maxRssBytes / MEBIBYTE);
    for (const line of this.log.system.report({ requestId, maxMemoryMebibytes, ...facts })) this.log.writeSystem(line);
    this.lastUsedAt = this.owner.context.clock.now();
    if (this.state === "busy") this.setState("returning");
    running.resolve({ payload, logTail: this.log.readTail(), ...facts });
  }

  /** Only the first invocation reports the init phase. */
  private takeInitDuration(): number | undefined {
    const duration = this.initDurationMs;
    this.initDurationMs = Number.NaN;
    return duration === undefined || Number.isNaN(duration) ? undefined : duration;
  }

  private onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.initTimer?.cancel();
    this.unregister();
    this.next = undefined;
    rmSync(this.temporaryDirectory, { recursive: true, force: true });
    const requestId = this.running?.job.requestId;
    if (requestId !== undefined) {
      const [type, body] = this.describeExit(requestId, code, signal);
      this.settle(requestId, "error", body, type);
    }
    this.setState("dead");
  }

  private describeExit(
    requestId: string,
    code: number | null,
    signal: NodeJS.Signals | null,
  ): readonly [string, Buffer] {
    if (this.initError) return [readErrorType(this.initError), this.initError];
    const type = this.killedForMemory ? "Runtime.OutOfMemory" : "Runtime.ExitError";
    const reason = signal ? `signal: ${SIGNAL_NAMES[signal] ?? signal}` : `exit status ${String(code)}`;
    const message = code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: ${reason}`;
    return [type, exited(requestId, message, type).payload];
  }

  /** Linux tells the resident set of a process; elsewhere only the heap limit holds. */
  private checkMemory(): void {
    if (process.platform !== "linux" || this.child?.pid === undefined) return;
    let pages: number;
    try {
      pages = Number(readFileSync(`/proc/${String(this.child.pid)}/statm`, "utf8").split(" ")[1]);
    } catch {
      return; // it has just ended
    }
    this.maxRssBytes = Math.max(this.maxRssBytes, pages * PAGE_BYTES);
    if (pages * PAGE_BYTES <= this.definition.memorySize * MEBIBYTE) return;
    this.killedForMemory = true;
    this.end();
  }

  /** From here on the environment takes no event. */
  private end(): void {
    this.ending = true;
    if (this.child) killGroup(this.child);
  }

  private setState(state: EnvironmentState): void {
    if (this.state === state || this.state === "dead") return;
    this.state = state;
    this.owner.onStateChange(this);
  }
}

/** As Go's os package, in which Lambda's own supervisor is written, names them. */
const SIGNAL_NAMES: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGKILL: "killed",
  SIGABRT: "aborted",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

function readErrorType(body: Buffer): string {
  try {
    const { errorType } = JSON.parse(body.toString()) as { errorType?: unknown };
    return typeof errorType === "string" ? errorType : "Error";
  } catch {
    return "Error";
  }
}

function traceHeader(requestId: string): string {
  const hex = requestId.replaceAll("-", "").padEnd(32, "0");
  return `Root=1-${hex.slice(0, 8)}-${hex.slice(8, 32)};Parent=${hex.slice(0, 16)};Sampled=0`;
}
