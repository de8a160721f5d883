// Provider functions the program calls.
import { messageOf } from "./errors";
import { normaliseMap, toPlainMap, toWireMap } from "./values";
import { UNKNOWN } from "./types";
import type { Limiter } from "./limiter";
import type { Registration } from "./registration";
import type { CallFunctionRequest, FunctionAnswer } from "./requests";
import type { EvaluatedInvoke, ResolvedProvider, ResourceProvider, WireMap } from "./types";

/** What calls need from the running deployment. */
export interface CallContext {
  readonly provider: ResourceProvider;
  readonly preview: boolean;
  readonly limiter: Limiter;
  readonly baseDirectory: string;
  readonly resources: ReadonlyMap<string, Registration>;
}

/** Calls and their record. */
export class FunctionCalls {
  readonly made: EvaluatedInvoke[] = [];
  /** Messages of failed calls: failures of the evaluation only if the program lets them escape. */
  readonly failed = new Set<string>();

  constructor(private readonly context: CallContext) {}

  /** @throws Error naming the function. */
  async call(request: CallFunctionRequest, provider: ResolvedProvider): Promise<FunctionAnswer> {
    const { token, dependencies } = request;
    const { preview, baseDirectory, limiter } = this.context;
    const args = toPlainMap(normaliseMap(request.args, baseDirectory));
    const record = { token, args, provider, dependencies };
    if (preview && dependencies.some((urn) => this.#isPending(urn))) {
      this.made.push(record);
      return undefined;
    }
    try {
      const result = await limiter.run(() => this.context.provider.invoke({ token, args, preview, provider }));
      this.made.push({ ...record, result });
      return toWireMap(result);
    } catch (cause) {
      this.made.push(record);
      throw this.#failure(token, messageOf(cause));
    }
  }

  /** State of a registered resource, for resources that arrive in the program by reference. */
  getResource({ token, args }: CallFunctionRequest): WireMap {
    const { urn } = args;
    const registration = typeof urn === "string" ? this.context.resources.get(urn) : undefined;
    if (!registration) throw this.#failure(token, `unknown resource ${JSON.stringify(urn)}`);
    return { urn: registration.urn, id: registration.id ?? null, state: registration.outputs };
  }

  // Not recorded as a failure yet: the program may catch it.
  #failure(token: string, reason: string): Error {
    const error = new Error(`${token}: ${reason}`);
    this.failed.add(error.message);
    return error;
  }

  #isPending(urn: string): boolean {
    const registration = this.context.resources.get(urn);
    return registration?.custom === true && !registration.external && (registration.id ?? UNKNOWN) === UNKNOWN;
  }
}
