// URNs as the Pulumi engine makes them.

/** Type of the root of every resource tree. */
export const STACK_TYPE = "pulumi:pulumi:Stack";

/** What the URNs of one evaluation have in common. */
export interface UrnScope {
  readonly project: string;
  readonly stack: string;
}

/** "site:index:Site$aws:s3/bucket:Bucket": the type with those of its parents, the stack left out. */
export const qualifiedType = (urn: string): string => urn.split("::")[2] ?? "";

/** The type without those of the parents. */
export const typeOf = (urn: string): string => qualifiedType(urn).split("$").at(-1) ?? "";

/** The logical name. It may contain "::". */
export const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** "aws" of "aws:s3/bucket:Bucket". */
export const packageOf = (token: string): string => token.split(":")[0] ?? "";

/** The package of a provider's type, `undefined` for any other type. */
export function providedPackage(type: string): string | undefined {
  return type.startsWith("pulumi:providers:") ? type.slice("pulumi:providers:".length) : undefined;
}

/** Makes the URN of a resource. `parent` is empty for the stack and for default providers. */
export function makeUrn({ project, stack }: UrnScope, parent: string, type: string, name: string): string {
  const above = parent === "" ? "" : qualifiedType(parent);
  const qualified = above === "" || above === STACK_TYPE ? type : `${above}$${type}`;
  return `urn:pulumi:${stack}::${project}::${qualified}::${name}`;
}

/** Splits "urn::id" of a provider reference. The URN itself contains "::". */
export function splitReference(reference: string): { urn: string; id: string } {
  const at = reference.lastIndexOf("::");
  return at < 0 ? { urn: reference, id: "" } : { urn: reference.slice(0, at), id: reference.slice(at + 2) };
}
