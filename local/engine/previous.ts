// The previous evaluation: which of its resources a registration continues, by URN or by alias.
import { failure } from "./errors";
import { makeUrn, nameOf, typeOf } from "./urn";
import type { AliasRequest, RegisterRequest } from "./requests";
import type { Snapshot, SnapshotResource } from "./types";
import type { UrnScope } from "./urn";

/** Old resources, each claimed at most once. */
export class PreviousState {
  readonly #byUrn: ReadonlyMap<string, SnapshotResource>;
  readonly #claimed = new Map<string, string>();
  /** Present URN → the old URN it continues, where they differ. */
  readonly #renamed = new Map<string, string>();

  constructor(
    private readonly scope: UrnScope,
    snapshot: Snapshot | undefined,
  ) {
    this.#byUrn = new Map((snapshot?.resources ?? []).map((resource) => [resource.urn, resource]));
  }

  /** Old resources that nothing has claimed, in snapshot order. */
  get unclaimed(): SnapshotResource[] {
    return [...this.#byUrn.values()].filter(({ urn }) => !this.#claimed.has(urn));
  }

  /** All URNs a registration may have been known by: its own aliases and those it inherits from its parent. */
  aliasUrns({ type, name, aliases }: Pick<RegisterRequest, "type" | "name" | "aliases">, parent: string): string[] {
    const own = aliases.map((alias) => this.#resolve(alias, type, name, parent));
    const oldParent = this.#renamed.get(parent);
    if (oldParent === undefined) return [...new Set(own)];
    const inherit = (aliasType: string, aliasName: string): string =>
      makeUrn(this.scope, oldParent, aliasType, inheritedName(aliasName, nameOf(parent), nameOf(oldParent)));
    const inherited = own.map((urn) => inherit(typeOf(urn), nameOf(urn)));
    return [...new Set([...own, inherit(type, name), ...inherited])];
  }

  #resolve(alias: AliasRequest, type: string, name: string, parent: string): string {
    if ("urn" in alias) return alias.urn;
    const { stack = this.scope.stack, project = this.scope.project } = alias;
    const formerParent = alias.parent ?? parent;
    const parentUrn = alias.parent === undefined ? formerParent : (this.#renamed.get(formerParent) ?? formerParent);
    return makeUrn({ stack, project }, parentUrn, alias.type ?? type, alias.name ?? name);
  }

  /**
   * Finds and claims the old resource that `urn` continues.
   * @throws EngineFailure when another resource has already claimed it.
   */
  claim(urn: string, aliases: readonly string[]): SnapshotResource | undefined {
    const oldUrn = [urn, ...aliases].find((one) => this.#byUrn.has(one));
    if (oldUrn === undefined) return undefined;
    const claimant = this.#claimed.get(oldUrn);
    if (claimant !== undefined) {
      const reason = `the resource ${oldUrn} of the previous evaluation is already continued by ${claimant}`;
      throw failure("registration", { urn, type: typeOf(urn), name: nameOf(urn) }, reason);
    }
    this.#claimed.set(oldUrn, urn);
    if (oldUrn !== urn) this.#renamed.set(urn, oldUrn);
    return this.#byUrn.get(oldUrn);
  }
}

/** A child called after its parent follows the parent's renaming, as in Pulumi. */
function inheritedName(name: string, parent: string, oldParent: string): string {
  return name.startsWith(parent) ? oldParent + name.slice(parent.length) : name;
}
