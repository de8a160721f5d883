// Which provider manages a resource: the one it names, or the default one of its package and version.
import { failure } from "./errors";
import { makeUrn, packageOf, providedPackage, splitReference } from "./urn";
import { decodeProviderInputs } from "./values";
import type { Subject } from "./errors";
import type { Registration } from "./registration";
import type { ResolvedProvider, WireMap } from "./types";
import type { UrnScope } from "./urn";

/** Configuration of a package, "aws:region" → region. */
export function packageConfig(config: Readonly<Record<string, string>>, name: string): Record<string, string> {
  const prefix = `${name}:`;
  return Object.fromEntries(
    Object.entries(config).flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [],
    ),
  );
}

/** Name and URN of the default provider for a package and version. */
export function defaultProvider(
  scope: UrnScope,
  name: string,
  version: string,
): { name: string; urn: string; type: string } {
  const type = `pulumi:providers:${name}`;
  const providerName = version === "" ? "default" : `default_${version.replace(/[.+-]/g, "_")}`;
  return { name: providerName, type, urn: makeUrn(scope, "", type, providerName) };
}

/**
 * Follows a provider reference.
 * @throws EngineFailure for a provider that is not registered or manages another package.
 */
export function followReference(
  reference: string,
  subject: Subject,
  version: string,
  resources: ReadonlyMap<string, Registration>,
): ResolvedProvider {
  const { urn } = splitReference(reference);
  const registration = resources.get(urn);
  if (registration === undefined) throw failure("registration", subject, `unknown provider ${urn}`);
  const wanted = packageOf(subject.type);
  const managed = providedPackage(registration.type);
  if (managed !== wanted) {
    throw failure("registration", subject, `provider ${urn} manages "${managed ?? "nothing"}", not "${wanted}"`);
  }
  return asProvider(managed, urn, version, registration.inputs);
}

/** What resources are told about their provider. */
export function asProvider(name: string, urn: string, version: string, inputs: WireMap): ResolvedProvider {
  return { package: name, urn, version, inputs: decodeProviderInputs(inputs) };
}
