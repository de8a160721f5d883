// One evaluation from the engine's side: it answers what the program registers, reads and calls.
import { FunctionCalls } from "./calls";
import { deleteResource, refuseProtected } from "./deletions";
import { type EngineFailure, FailureList, failure, failureFrom } from "./errors";
import { deploy } from "./lifecycle";
import { Limiter } from "./limiter";
import { PreviousState } from "./previous";
import { asProvider, defaultProvider, followReference, packageConfig } from "./providers";
import { readResource } from "./reads";
import { NO_OPTIONS, NO_PROVIDER } from "./registration";
import { makeUrn, nameOf, packageOf, providedPackage, STACK_TYPE, typeOf } from "./urn";
import { changedKeys, normaliseMap } from "./values";
import { UNKNOWN } from "./types";
import type { Subject } from "./errors";
import type { HookEvent, LifecycleContext } from "./lifecycle";
import type { Registration } from "./registration";
import type {
  CallFunctionRequest,
  FunctionAnswer,
  ReadResourceRequest,
  RegisterRequest,
  ResourceAnswer,
} from "./requests";
import type { EngineEvent, EngineOptions, LogLine, ResolvedProvider, SnapshotResource, Step, WireMap } from "./types";

/** Runs a hook of the program; supplied by whoever is connected to it. */
export type HookRunner = (name: string, event: HookEvent, preview: boolean) => Promise<void>;

/** State and answers of one evaluation. Every public method may reject with an EngineFailure, already recorded. */
export class Deployment implements LifecycleContext {
  readonly resources = new Map<string, Registration>();
  readonly failures = new FailureList();
  readonly calls: FunctionCalls;
  readonly logs: LogLine[] = [];
  readonly deletions: Step[] = [];
  readonly limiter: Limiter;
  readonly preview: boolean;
  readonly previous: PreviousState;
  /** URNs of old resources that are gone from the cloud. */
  readonly deleted = new Set<string>();
  rootUrn = "";
  /** Why nothing is accepted any more. */
  closed: string | undefined;
  /** Grows with everything that happens: a watchdog compares it. */
  activity = 0;
  hookRunner: HookRunner = (name) => Promise.reject(new Error(`hook "${name}" was not registered`));
  #replaced: SnapshotResource[] = [];
  #counts = { registered: 0, done: 0, failed: 0 };

  constructor(
    readonly options: EngineOptions,
    readonly baseDirectory: string,
  ) {
    this.preview = options.preview ?? false;
    this.limiter = new Limiter(options.parallel ?? 32);
    this.previous = new PreviousState(options, options.previous);
    this.calls = new FunctionCalls(this);
  }

  get provider(): EngineOptions["provider"] {
    return this.options.provider;
  }

  /** From now on every request is refused, with this reason. */
  close(reason: string): void {
    this.closed ??= reason;
  }

  /** Registers a resource, component, provider or the stack. */
  async register(request: RegisterRequest): Promise<ResourceAnswer> {
    this.#refuseClosed();
    const registration = this.#record({ type: request.type, name: request.name }, () => this.#reserve(request));
    try {
      await this.#process(registration, request);
      this.#finish(registration);
    } catch (cause) {
      throw this.#fail(registration, cause);
    }
    const { urn, id = "", outputs, custom } = registration;
    return { urn, id: id === UNKNOWN ? "" : id, outputs: custom ? outputs : {} };
  }

  // Synchronous from the duplicate check to the reservation: with an await between, two of one name would both pass.
  #reserve(request: RegisterRequest): Registration {
    const { type, name } = request;
    const parent = request.parent || (type === STACK_TYPE ? "" : this.rootUrn);
    const urn = makeUrn(this.options, parent, type, name);
    const subject = { urn, type, name };
    this.#refuseDuplicate(urn, subject);
    if (parent !== "" && !this.resources.has(parent))
      throw failure("registration", subject, `unknown parent ${parent}`);
    const missing = request.dependencies.find((dependency) => !this.resources.has(dependency));
    if (missing !== undefined) throw failure("registration", subject, `unknown dependency ${missing}`);
    if (request.remote)
      throw failure("unsupported", subject, "components of a plugin (remote) are not supported by this engine");
    const aliases = this.previous.aliasUrns(request, parent);
    const provider = this.#resolveProvider(request, subject);
    const inputs = normaliseMap(request.inputs, this.baseDirectory);
    // Last: what is claimed must end up in the snapshot.
    const old = this.previous.claim(urn, aliases);
    const { custom, providers, dependencies, propertyDependencies, options, replacementTrigger, sourcePosition } =
      request;
    const registration: Registration = {
      ...{ urn, type, name, custom, parent, provider, providers, dependencies, propertyDependencies, aliases, options },
      ...(replacementTrigger !== undefined && { replacementTrigger }),
      ...(sourcePosition !== undefined && { sourcePosition }),
      ...(old && { old }),
      external: false,
      inputs,
      outputs: {},
      operation: "create",
      changed: [],
      state: "running",
    };
    return this.#add(registration);
  }

  #refuseClosed(): void {
    if (this.closed !== undefined) throw new Error(this.closed);
  }

  #refuseDuplicate(urn: string, subject: Subject): void {
    if (this.resources.has(urn)) {
      throw failure("duplicate-urn", subject, `Duplicate resource URN '${urn}'; try giving it a unique name`);
    }
  }

  #add(registration: Registration): Registration {
    this.resources.set(registration.urn, registration);
    this.#counts.registered++;
    this.#emit("registered", registration);
    return registration;
  }

  #resolveProvider(
    request: { type: string; custom?: boolean; provider: string; version: string },
    subject: Subject,
  ): ResolvedProvider {
    const { type, custom = true, provider, version } = request;
    if (!custom || type.startsWith("pulumi:")) return NO_PROVIDER;
    if (provider !== "") return followReference(provider, subject, version, this.resources);
    return this.#defaultProvider(packageOf(type), version);
  }

  #defaultProvider(packageName: string, version: string): ResolvedProvider {
    const { urn, name, type } = defaultProvider(this.options, packageName, version);
    const known = this.resources.get(urn);
    if (known) return asProvider(packageName, urn, version, known.inputs);
    const inputs = packageConfig(this.options.config ?? {}, packageName);
    const old = this.previous.claim(urn, []);
    const registration: Registration = {
      ...{ urn, type, name, custom: true, external: false, parent: "", provider: NO_PROVIDER, providers: {} },
      ...{
        dependencies: [],
        propertyDependencies: {},
        aliases: [],
        options: NO_OPTIONS,
        inputs,
        outputs: inputs,
        id: name,
      },
      ...(old && { old }),
      operation: "create",
      changed: [],
      state: "running",
    };
    this.#add(registration);
    this.#compare(registration);
    this.#finish(registration);
    return asProvider(packageName, urn, version, inputs);
  }

  async #process(registration: Registration, request: RegisterRequest): Promise<void> {
    const { type, custom } = registration;
    if (type === STACK_TYPE) this.rootUrn = registration.urn;
    if (custom && !type.startsWith("pulumi:")) return deploy(registration, this);
    this.#compare(registration);
    if (providedPackage(type) !== undefined) {
      registration.outputs = registration.inputs;
      registration.id = this.preview && !registration.old ? UNKNOWN : request.name;
    } else if (type === "pulumi:index:Stash") {
      const { input = null } = registration.inputs;
      registration.outputs = { input, output: registration.old?.outputs.output ?? input };
      registration.id = request.name;
    } else if (custom) {
      throw failure("unsupported", registration, "this type is not supported by this engine");
    }
  }

  /** Same or update, for what has no provider. */
  #compare(registration: Registration): void {
    if (!registration.old) return;
    registration.changed = changedKeys(registration.old.inputs, registration.inputs);
    registration.operation = registration.changed.length === 0 ? "same" : "update";
  }

  /** Takes what a component or the stack registers as its outputs. */
  registerOutputs(urn: string, outputs: WireMap): void {
    this.#refuseClosed();
    this.#record({ type: typeOf(urn), name: nameOf(urn) }, () => {
      const registration = this.resources.get(urn);
      if (!registration)
        throw failure("registration", { urn, type: typeOf(urn), name: nameOf(urn) }, "outputs of an unknown resource");
      registration.registeredOutputs = normaliseMap(outputs, this.baseDirectory);
      if (!registration.custom) registration.outputs = registration.registeredOutputs;
    });
  }

  /** Reads an existing resource: `Resource.get` or a stack reference. */
  async read(request: ReadResourceRequest): Promise<ResourceAnswer> {
    this.#refuseClosed();
    const registration = this.#record({ type: request.type, name: request.name }, () => this.#reserveRead(request));
    try {
      const { stackReferences = {} } = this.options;
      registration.outputs = await readResource(registration, request.additionalSecretOutputs, this, stackReferences);
      this.#finish(registration);
    } catch (cause) {
      throw this.#fail(registration, cause);
    }
    return { urn: registration.urn, id: request.id, outputs: registration.outputs };
  }

  #reserveRead(request: ReadResourceRequest): Registration {
    const { type, name, id, dependencies, sourcePosition } = request;
    const parent = request.parent || this.rootUrn;
    const urn = makeUrn(this.options, parent, type, name);
    const subject = { urn, type, name };
    this.#refuseDuplicate(urn, subject);
    const provider = this.#resolveProvider(request, subject);
    const inputs = normaliseMap(request.inputs, this.baseDirectory);
    this.previous.claim(urn, []);
    return this.#add({
      ...{ urn, type, name, custom: true, external: true, parent, provider, providers: {}, dependencies, id },
      ...{
        propertyDependencies: {},
        aliases: [],
        options: NO_OPTIONS,
        operation: "read",
        changed: [],
        state: "running",
      },
      ...(sourcePosition !== undefined && { sourcePosition }),
      inputs,
      outputs: {},
    });
  }

  /** Calls a provider function. */
  async call(request: CallFunctionRequest): Promise<FunctionAnswer> {
    this.#refuseClosed();
    this.activity++;
    if (request.token === "pulumi:pulumi:getResource") return this.calls.getResource(request);
    const type = request.token;
    const provider = this.#record({ type, name: "" }, () =>
      this.#resolveProvider({ ...request, type }, { type, name: "" }),
    );
    const answer = await this.calls.call(request, provider);
    this.activity++;
    return answer;
  }

  /** Takes a message of the program. */
  log(line: LogLine): void {
    this.activity++;
    this.logs.push(line);
    this.options.onEvent?.({ kind: "log", ...line });
  }

  parentsOf(urn: string): readonly string[] {
    const chain: string[] = [];
    for (let up = this.resources.get(urn)?.parent; up; up = this.resources.get(up)?.parent) chain.push(up);
    return chain;
  }

  wasReplaced(urn: string): boolean {
    return this.resources.get(urn)?.operation === "replace";
  }

  runHook(name: string, event: HookEvent): Promise<void> {
    return this.hookRunner(name, event, this.preview);
  }

  deleteLater(old: SnapshotResource): void {
    this.#replaced.push(old);
  }

  deleteNow(old: SnapshotResource): Promise<void> {
    return deleteResource(old, new Set(), this);
  }

  /** Deletes what is left over. After a failure nothing is deleted, as with the real engine. */
  async deleteLeftovers(): Promise<void> {
    if (!this.failures.isEmpty) return;
    const leftovers = this.previous.unclaimed;
    const gone = new Set(leftovers.map(({ urn }) => urn));
    for (const old of [...this.#replaced.splice(0), ...leftovers.reverse()]) await this.#deleteOne(old, gone);
  }

  async #deleteOne(old: SnapshotResource, gone: ReadonlySet<string>): Promise<void> {
    const { urn, type, name, external } = old;
    try {
      refuseProtected(old);
      // What was replaced has its step already.
      if (gone.has(urn) && !external) this.deletions.push({ op: "delete", urn, type, name, changed: [] });
      await deleteResource(old, gone, this);
      this.deleted.add(urn);
    } catch (cause) {
      this.failures.add(failureFrom("provider", old, cause).detail);
    }
  }

  #record<T>(subject: Subject, task: () => T): T {
    this.activity++;
    try {
      return task();
    } catch (cause) {
      const failed = failureFrom("registration", subject, cause);
      this.failures.add(failed.detail);
      throw failed;
    }
  }

  #finish(registration: Registration): void {
    registration.state = "done";
    registration.finished = this.#counts.done++;
    this.#emit("done", registration);
  }

  #fail(registration: Registration, cause: unknown): EngineFailure {
    const failed = failureFrom("registration", registration, cause);
    registration.state = "failed";
    this.#counts.failed++;
    this.failures.add(failed.detail);
    this.#emit("failed", registration);
    return failed;
  }

  #emit(kind: "registered" | "done" | "failed", { urn, type, name, operation }: Registration): void {
    this.activity++;
    const event: EngineEvent = {
      kind,
      urn,
      type,
      name,
      counts: { ...this.#counts },
      ...(kind === "done" && { operation }),
    };
    this.options.onEvent?.(event);
  }
}
