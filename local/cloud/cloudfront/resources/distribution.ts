// aws:cloudfront/distribution:Distribution
import { tagOutputs } from "../../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../../core/resource-model";
import { defineDistribution } from "../definition";
import type { CloudFrontState, RunningDistribution } from "../state";
import { createViewerHandler } from "../viewer";
import { checkDistribution } from "./distribution-check";

/** CloudFront's hosted zone, the same for all distributions. */
const hostedZoneId = "Z2FDTNDATAQYW2";

/** Model of distributions. */
export function distributionModel(state: CloudFrontState): ResourceModel {
  return {
    type: "aws:cloudfront/distribution:Distribution",
    fidelity: "realised",
    summary:
      "Behaviours, origin access control, error pages, compression, forwarding and response headers policies, on plain http. " +
      "Nothing is cached; viewer protocol policy, TLS settings, price class, logging and geo restrictions have no local effect. " +
      "Functions, signed URLs, origin groups and web ACLs are refused.",
    check: (inputs) => checkDistribution(inputs),
    create: (inputs, context) => create(state, inputs, context),
    update: async (id, inputs, old, context) => {
      const running = state.distributions.get(id);
      if (!running) return create(state, inputs, context);
      running.definition = defineDistribution(inputs, identity(id, context), state);
      await (inputs.enabled === true ? open(state, running, inputs, context) : close(running));
      return { id, outputs: outputs(state, running, inputs, context, old) };
    },
    delete: async (id) => {
      const running = state.distributions.get(id);
      state.distributions.delete(id);
      if (running) await close(running);
    },
  };
}

function identity(id: string, context: ResourceContext): { id: string; arn: string; accountId: string } {
  return { id, arn: `arn:aws:cloudfront::${context.accountId}:distribution/${id}`, accountId: context.accountId };
}

async function create(
  state: CloudFrontState,
  inputs: PropertyMap,
  context: ResourceContext,
): Promise<RealisedResource> {
  const id = `E${state.context.uniqueId(13).toUpperCase()}`;
  const running: RunningDistribution = {
    definition: defineDistribution(inputs, identity(id, context), state),
    domainName: `d${state.context.uniqueId(13)}.cloudfront.net`,
    listener: undefined,
    withdraw: () => undefined,
  };
  state.distributions.set(id, running);
  if (inputs.enabled === true) await open(state, running, inputs, context);
  return { id, outputs: outputs(state, running, inputs, context) };
}

/** Makes the distribution answer, also for its aliases. */
async function open(
  state: CloudFrontState,
  running: RunningDistribution,
  inputs: PropertyMap,
  context: ResourceContext,
): Promise<void> {
  if (running.listener) return;
  const { hosts } = state.context;
  const listener = await state.context.listen(
    createViewerHandler(state.context, () => running.definition),
    "website",
  );
  const aliases = Array.isArray(inputs.aliases) ? inputs.aliases.map(String) : [];
  const urls = [running.domainName, ...aliases].map((name) => `https://${name}`);
  for (const url of urls) hosts.add(url, listener.origin);
  const hide = state.context.announce({ label: "Website", url: listener.origin, urn: context.urn, page: true });
  running.listener = listener;
  running.withdraw = () => {
    hide();
    for (const url of urls) hosts.remove(url);
  };
}

async function close(running: RunningDistribution): Promise<void> {
  running.withdraw();
  await running.listener?.close();
  running.listener = undefined;
}

function outputs(
  state: CloudFrontState,
  running: RunningDistribution,
  inputs: PropertyMap,
  context: ResourceContext,
  old?: PropertyMap,
): PropertyMap {
  return {
    ...inputs,
    ...tagOutputs(inputs, context),
    arn: running.definition.arn,
    callerReference: old?.callerReference ?? `terraform-${state.context.uniqueId(26)}`,
    domainName: running.domainName,
    etag: `E${state.context.uniqueId(13).toUpperCase()}`,
    hostedZoneId,
    inProgressValidationBatches: 0,
    lastModifiedTime: new Date(state.context.clock.now()).toISOString(),
    loggingV1Enabled: false,
    status: "Deployed",
    trustedKeyGroups: [{ enabled: false, items: [] }],
    trustedSigners: [{ enabled: false, items: [] }],
  };
}
