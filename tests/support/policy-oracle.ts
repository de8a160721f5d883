// Asks @cloud-copilot/iam-simulate (AGPL-3.0, a development dependency that only tests may import) what IAM would decide, as an
// oracle for our own evaluator.
import { runSimulation, type Simulation } from "@cloud-copilot/iam-simulate";
import type { AuthorizationRequest } from "../../local/cloud/core/access";

/** What the oracle decides; "invalid" when it refuses the question, for an action that does not fit the resource say. */
export type OracleAnswer = "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied" | "invalid";

/** Puts one question to the oracle. */
export async function askOracle(request: AuthorizationRequest): Promise<OracleAnswer> {
  const { principal } = request;
  const who = principal.kind === "anonymous" ? { type: "Anonymous" } : principal.arn;
  const simulation = {
    request: {
      principal: who,
      action: request.action,
      resource: { resource: request.resource, accountId: request.resourceAccountId },
      contextVariables: request.context,
    },
    identityPolicies: request.identityPolicies.map(({ name, document }) => ({ name, policy: document })),
    resourcePolicy: request.resourcePolicy?.document,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(request.permissionsBoundary && {
      permissionBoundaryPolicies: [{ name: "boundary", policy: request.permissionsBoundary.document }],
    }),
  };
  const result = await runSimulation(simulation as unknown as Simulation, {});
  return result.resultType === "error" ? "invalid" : result.overallResult;
}
