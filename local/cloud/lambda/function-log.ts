// Where a function's lines go: to its log group when its role may write there, as on AWS, and into the tail of an invocation.
import { recordAct } from "../core/acts";
import type { Principal } from "../core/principal";
import type { CloudContext } from "../core/service";
import type { FunctionDefinition } from "./definition";
import { LOG_TAIL_BYTES } from "./limits";
import { type SystemLine, SystemLog } from "./log-lines";

/** The log stream of one environment. */
export class FunctionLog {
  readonly system: SystemLog;
  readonly stream: string;
  private readonly permitted: boolean;
  private tail: string[] = [];

  constructor(
    private readonly context: CloudContext,
    private readonly definition: FunctionDefinition,
    principal: Principal,
    streamId: string,
  ) {
    this.system = new SystemLog(definition, () => context.clock.now());
    const date = new Date(context.clock.now()).toISOString().slice(0, 10).replaceAll("-", "/");
    const prefix = definition.logging.custom ? definition.name : "";
    this.stream = `${date}/${prefix}[${definition.version}]${streamId}`;
    this.permitted = this.askPermission(principal);
  }

  /** Starts the tail of an invocation. */
  beginTail(): void {
    this.tail = [];
  }

  /** The last 4 KB that the invocation logged. */
  readTail(): Buffer {
    return Buffer.from(this.tail.map((line) => `${line}\n`).join("")).subarray(-LOG_TAIL_BYTES);
  }

  write(line: string): void {
    this.tail.push(line);
    if (this.permitted) this.context.logs.append(this.definition.logging.group, this.stream, line);
  }

  writeSystem(line: SystemLine): void {
    if (this.system.keeps(line)) this.write(line.text);
  }

  /** A role without these two permissions makes a function whose logs nobody ever sees. The trace says so. */
  private askPermission(principal: Principal): boolean {
    const { accountId, region, logging, name, arn } = this.definition;
    const resource = `arn:aws:logs:${region}:${accountId}:log-group:${logging.group}:log-stream:${this.stream}`;
    const decisions = ["logs:CreateLogStream", "logs:PutLogEvents"].map((action) =>
      this.context.access.decide({ principal, action, resource, resourceAccountId: accountId }),
    );
    if (decisions.every(({ allowed }) => allowed)) return true;
    recordAct(this.context, {
      service: "lambda",
      caller: principal.arn,
      operation: "WriteLogs",
      resource: arn,
      error: { statusCode: 403, code: "AccessDenied" },
      decisions,
      detail: { hint: `${name} may not write to ${logging.group}: as on AWS, its logs are lost` },
    });
    return false;
  }
}
