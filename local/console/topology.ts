// The topology of a stack: components as groups, resources that do something as nodes, and who calls whom. For any program.
import type { EvaluatedResource, PropertyMap, PropertyValue } from "../engine";

/** A resource that is drawn. */
export interface TopologyNode {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  /** Short name of the kind: "Function", "Bucket". */
  readonly kind: string;
  /** URN of the component around it; empty at the top. */
  readonly group: string;
  /** Physical id or ARN by which traces name it. */
  readonly arn: string;
  readonly id: string;
  /** ARN of the role it acts with; empty when it has none. */
  readonly roleArn: string;
  /** Resources that only configure it: names and types. */
  readonly settings: readonly { readonly name: string; readonly type: string }[];
}

/** A component. */
export interface TopologyGroup {
  readonly urn: string;
  readonly name: string;
  readonly type: string;
  readonly parent: string;
}

/** One resource uses another. */
export interface TopologyEdge {
  readonly from: string;
  readonly to: string;
  /** What it does there: "invokes", "reads and writes", "verifies tokens". */
  readonly label: string;
  /** UUID of the event source mapping that this edge is. */
  readonly mapping?: string;
}

/** What is drawn. */
export interface Topology {
  readonly groups: readonly TopologyGroup[];
  readonly nodes: readonly TopologyNode[];
  readonly edges: readonly TopologyEdge[];
}

/** Kinds that are drawn; everything else is a setting of one of these. */
const KINDS: Readonly<Record<string, string>> = {
  "aws:apigateway/restApi:RestApi": "REST API",
  "aws:apigatewayv2/api:Api": "WebSocket API",
  "aws:cloudfront/distribution:Distribution": "Distribution",
  "aws:cloudwatch/eventBus:EventBus": "Event bus",
  "aws:cloudwatch/eventRule:EventRule": "Rule",
  "aws:cognito/userPool:UserPool": "User pool",
  "aws:dynamodb/table:Table": "Table",
  "aws:lambda/function:Function": "Function",
  "aws:s3/bucket:Bucket": "Bucket",
  "aws:sfn/stateMachine:StateMachine": "State machine",
  "aws:sns/topic:Topic": "Topic",
  "aws:sqs/queue:Queue": "Queue",
};

/** Properties by which what acts names its role and its log group. */
const FOUNDATIONS: Readonly<Record<string, readonly string[]>> = {
  "aws:lambda/function:Function": ["role", "loggingConfig"],
  "aws:sfn/stateMachine:StateMachine": ["roleArn", "loggingConfiguration"],
};

/** What a function needs for its mapping's polling. */
const POLLING = new Set(["ReceiveMessage", "DeleteMessage", "GetQueueAttributes"]);

/** Builds the topology from what a program declared. */
export function buildTopology(resources: readonly EvaluatedResource[]): Topology {
  const drawn = resources.filter(({ type }) => type in KINDS);
  const owners = findOwners(resources, drawn);
  const nodes = drawn.map((resource) => describeNode(resource, resources, owners));
  return {
    groups: resources
      .filter(({ custom, parent }) => !custom && parent !== "")
      .map(({ urn, name, type, parent }) => ({ urn, name, type, parent })),
    nodes,
    edges: findEdges(resources, nodes),
  };
}

function describeNode(
  resource: EvaluatedResource,
  resources: readonly EvaluatedResource[],
  owners: ReadonlyMap<string, string>,
): TopologyNode {
  const { urn, name, type, parent, outputs, id = "" } = resource;
  return {
    urn,
    name,
    type,
    kind: KINDS[type] ?? type,
    group: resources.some((other) => other.urn === parent && other.parent !== "") ? parent : "",
    arn: text(outputs.arn),
    id,
    roleArn: text(outputs.role) || text(outputs.roleArn),
    settings: resources
      .filter((other) => owners.get(other.urn) === urn)
      .map((other) => ({ name: other.name, type: other.type })),
  };
}

/** A setting belongs to the first drawn resource that it depends on, directly or through another setting. */
function findOwners(
  resources: readonly EvaluatedResource[],
  drawn: readonly EvaluatedResource[],
): ReadonlyMap<string, string> {
  const drawnUrns = new Set(drawn.map(({ urn }) => urn));
  const owners = new Map<string, string>();
  for (const resource of resources) {
    if (!resource.custom || drawnUrns.has(resource.urn) || resource.type.startsWith("pulumi:")) continue;
    const owner = dependenciesOf(resource)
      .map((urn) => (drawnUrns.has(urn) ? urn : owners.get(urn)))
      .find((urn) => urn !== undefined);
    if (owner) owners.set(resource.urn, owner);
  }
  // Roles, policies and log groups come before the function or state machine that depends on them.
  for (const { urn, type, propertyDependencies } of drawn) {
    for (const property of FOUNDATIONS[type] ?? []) {
      for (const dependency of propertyDependencies[property] ?? []) {
        if (!drawnUrns.has(dependency)) owners.set(dependency, urn);
      }
    }
  }
  for (const { urn, type, propertyDependencies } of resources) {
    if (type !== "aws:iam/rolePolicy:RolePolicy") continue;
    const owner = (propertyDependencies.role ?? []).map((role) => owners.get(role)).find((found) => found);
    if (owner) owners.set(urn, owner);
  }
  return owners;
}

function dependenciesOf({ dependencies, propertyDependencies }: EvaluatedResource): readonly string[] {
  return [...new Set([...Object.values(propertyDependencies).flat(), ...dependencies])];
}

type EdgeFinder = (resource: EvaluatedResource, find: NodeFinder) => TopologyEdge[];

/** Looks nodes up by what inputs say about them. */
interface NodeFinder {
  /** Nodes whose ARN occurs in a text, or is the beginning of an ARN in it. */
  inText(text: string): readonly TopologyNode[];
  byRole(role: string): readonly TopologyNode[];
  byUrn(urn: string): TopologyNode | undefined;
  byId(id: string): TopologyNode | undefined;
  byDomain(domain: string): TopologyNode | undefined;
  /** Inputs of a declared resource that is not drawn. */
  inputsOf(type: string, id: string): PropertyMap;
}

const INTEGRATION = "aws:apigatewayv2/integration:Integration";

const FINDERS: Readonly<Record<string, EdgeFinder>> = {
  "aws:iam/rolePolicy:RolePolicy": ({ inputs }, find) =>
    find
      .byRole(text(inputs.role))
      .flatMap(({ urn }) =>
        statementsOf(inputs.policy).flatMap(({ actions, resources }) =>
          find.inText(resources).map((to) => ({ from: urn, to: to.urn, label: summarise(actions) })),
        ),
      ),
  "aws:apigateway/restApi:RestApi": ({ urn, inputs }, find) =>
    find.inText(text(inputs.body)).map(({ urn: to, kind }) => ({
      from: urn,
      to,
      label: kind === "User pool" ? "verifies tokens" : "invokes",
    })),
  "aws:lambda/permission:Permission": ({ inputs }, find) => {
    const to = find.byId(text(inputs.function)) ?? find.inText(text(inputs.function))[0];
    return find
      .inText(text(inputs.sourceArn))
      .flatMap(({ urn }) => (to ? [{ from: urn, to: to.urn, label: "invokes" }] : []));
  },
  "aws:cloudwatch/eventTarget:EventTarget": ({ inputs }, find) => {
    const from = find.byId(text(inputs.rule));
    return from
      ? find
          .inText(text(inputs.arn))
          .map(({ urn, kind }) => ({ from: from.urn, to: urn, label: kind === "Queue" ? "sends to" : "invokes" }))
      : [];
  },
  "aws:lambda/eventSourceMapping:EventSourceMapping": ({ id: mapping = "", inputs }, find) => {
    const to = find.byId(text(inputs.functionName)) ?? find.inText(text(inputs.functionName))[0];
    return find
      .inText(text(inputs.eventSourceArn))
      .flatMap(({ urn }) => (to ? [{ from: urn, to: to.urn, label: pollingLabel(inputs), mapping }] : []));
  },
  "aws:sqs/queue:Queue": ({ urn, inputs }, find) => redriveEdges(urn, inputs, find),
  "aws:sqs/redrivePolicy:RedrivePolicy": ({ inputs }, find) => {
    const from = find.byId(text(inputs.queueUrl));
    return from ? redriveEdges(from.urn, inputs, find) : [];
  },
  "aws:sfn/stateMachine:StateMachine": ({ urn, inputs }, find) => taskEdges(urn, text(inputs.definition), find),
  [INTEGRATION]: ({ inputs }, find) => apiEdges(inputs, text(inputs.integrationUri), "invokes", find),
  "aws:apigatewayv2/authorizer:Authorizer": ({ inputs }, find) =>
    apiEdges(inputs, text(inputs.authorizerUri), "authorizes with", find),
  "aws:apigatewayv2/route:Route": ({ inputs }, find) => {
    const integration = find.inputsOf(INTEGRATION, text(inputs.target).replace("integrations/", ""));
    return apiEdges(inputs, text(integration.integrationUri), `on ${text(inputs.routeKey)}`, find);
  },
  "aws:cloudwatch/eventRule:EventRule": ({ urn, inputs }, find) =>
    find.inText(text(inputs.eventPattern)).map((from) => ({ from: from.urn, to: urn, label: "events" })),
  "aws:cloudfront/distribution:Distribution": ({ urn, inputs }, find) =>
    list(inputs.origins).flatMap((origin) => {
      const to = find.byDomain(text((origin as PropertyMap).domainName));
      return to ? [{ from: urn, to: to.urn, label: "reads" }] : [];
    }),
};

function findEdges(resources: readonly EvaluatedResource[], nodes: readonly TopologyNode[]): TopologyEdge[] {
  const find = createFinder(resources, nodes);
  const edges = new Map<string, TopologyEdge>();
  for (const resource of resources) {
    for (const edge of FINDERS[resource.type]?.(resource, find) ?? []) {
      const key = `${edge.from} ${edge.to}`;
      const known = edges.get(key);
      if (edge.from !== edge.to)
        edges.set(key, known ? { ...known, ...edge, label: join(known.label, edge.label) } : edge);
    }
  }
  return withoutPolling([...edges.values()]);
}

/** A function's permission to poll is drawn as its mapping, from the queue to the function. What else it may do there stays. */
function withoutPolling(edges: readonly TopologyEdge[]): TopologyEdge[] {
  return edges.flatMap((edge) => {
    const polled = edges.some(({ from, to, mapping }) => mapping !== undefined && from === edge.to && to === edge.from);
    if (!polled) return [edge];
    const label = edge.label
      .split(", ")
      .filter((action) => !POLLING.has(action))
      .join(", ");
    return label === "" ? [] : [{ ...edge, label }];
  });
}

function pollingLabel({ scalingConfig, batchSize }: PropertyMap): string {
  const { maximumConcurrency } = (scalingConfig ?? {}) as PropertyMap;
  const batches = typeof batchSize === "number" ? `in batches of up to ${batchSize}` : "in batches";
  return typeof maximumConcurrency === "number"
    ? `invokes ${batches}; at most ${maximumConcurrency} at once`
    : `invokes ${batches}`;
}

function redriveEdges(from: string, { redrivePolicy }: PropertyMap, find: NodeFinder): TopologyEdge[] {
  if (typeof redrivePolicy !== "string" || redrivePolicy === "") return [];
  const { deadLetterTargetArn = "", maxReceiveCount } = JSON.parse(redrivePolicy) as RedrivePolicy;
  const label = `dead letters after ${String(maxReceiveCount)} receives`;
  return find.inText(deadLetterTargetArn).map(({ urn }) => ({ from, to: urn, label }));
}

function apiEdges({ apiId }: PropertyMap, names: string, label: string, find: NodeFinder): TopologyEdge[] {
  const from = find.byId(text(apiId));
  return from ? find.inText(names).map(({ urn }) => ({ from: from.urn, to: urn, label })) : [];
}

/** What the tasks of a definition call, named as the actions that they need. */
function taskEdges(from: string, definition: string, find: NodeFinder): TopologyEdge[] {
  if (definition === "") return [];
  return tasksOf(JSON.parse(definition)).flatMap((task) => {
    const label = actionOf(text(task.Resource as PropertyValue));
    return find.inText(JSON.stringify(task)).map(({ urn }) => ({ from, to: urn, label }));
  });
}

/** States with a resource, wherever they stand: a task has no states within it. */
function tasksOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  if (typeof value !== "object" || value === null) return [];
  const record = value as Readonly<Record<string, unknown>>;
  return record.Type === "Task" ? [record] : Object.values(record).flatMap(tasksOf);
}

/** "arn:aws:states:::dynamodb:updateItem" → "UpdateItem". */
function actionOf(resource: string): string {
  const [service = "", action = ""] = resource.split(":::")[1]?.replace("aws-sdk:", "").split(/[:.]/) ?? [];
  if (service === "apigateway") return "ManageConnections";
  if (service === "lambda" || resource.startsWith("arn:aws:lambda:")) return "InvokeFunction";
  return action.charAt(0).toUpperCase() + action.slice(1);
}

interface RedrivePolicy {
  readonly deadLetterTargetArn?: string;
  readonly maxReceiveCount?: number | string;
}

function createFinder(resources: readonly EvaluatedResource[], nodes: readonly TopologyNode[]): NodeFinder {
  const roleIds = new Map(
    resources.filter(({ type }) => type === "aws:iam/role:Role").map(({ id, outputs }) => [id, text(outputs.arn)]),
  );
  const domains = new Map(
    resources.flatMap(({ urn, outputs }) =>
      ["bucketRegionalDomainName", "bucketDomainName"].map((key) => [text(outputs[key]), urn] as const),
    ),
  );
  const byUrn = (urn: string): TopologyNode | undefined => nodes.find((node) => node.urn === urn);
  return {
    inText: (content) => nodes.filter((node) => isNamed(node, content)),
    byRole: (role) => nodes.filter(({ roleArn }) => roleArn !== "" && roleArn === (roleIds.get(role) ?? role)),
    byUrn,
    byId: (id) => nodes.find((node) => node.id === id),
    byDomain: (domain) => byUrn(domains.get(domain) ?? ""),
    inputsOf: (type, id) => resources.find((one) => one.type === type && one.id === id)?.inputs ?? {},
  };
}

/** Whether a text names a resource: by its ARN, or as calls name resources of its kind. */
function isNamed({ arn, id, kind }: TopologyNode, content: string): boolean {
  if (arn === "") return false;
  if (names(content, arn)) return true;
  switch (kind) {
    case "REST API":
      return content.includes(`:${id}/`);
    case "WebSocket API":
      return content.includes(`:${id}/`) || content.includes(`${id}.execute-api.`);
    case "State machine":
      return names(content, arn.replace(":stateMachine:", ":execution:"));
    case "Table":
    case "Queue":
    case "Event bus":
      // A table by its name, a queue by its URL: a whole text within JSON.
      return id !== "" && content.includes(`"${id}"`);
    default:
      return false;
  }
}

/** Whether a text names an ARN, not one that only begins like it: "work" is not "work-dlq". */
function names(content: string, arn: string): boolean {
  for (let at = content.indexOf(arn); at !== -1; at = content.indexOf(arn, at + 1)) {
    if (!/[\w.-]/.test(content[at + arn.length] ?? "")) return true;
  }
  return false;
}

/** Actions and resources of the allowing statements, resources as one text to search in. */
function statementsOf(policy: PropertyValue): { readonly actions: readonly string[]; readonly resources: string }[] {
  if (typeof policy !== "string") return [];
  const { Statement } = JSON.parse(policy) as { Statement: PolicyStatement | readonly PolicyStatement[] };
  return [Statement]
    .flat()
    .filter(({ Effect }) => Effect === "Allow")
    .map(({ Action, Resource }) => ({ actions: [Action ?? []].flat(), resources: [Resource ?? []].flat().join(" ") }));
}

interface PolicyStatement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
}

/** "s3:PutObject", "s3:AbortMultipartUpload" → "PutObject, AbortMultipartUpload". */
function summarise(actions: readonly string[]): string {
  return actions.map((action) => action.slice(action.indexOf(":") + 1)).join(", ");
}

function join(one: string, other: string): string {
  return [...new Set([...one.split(", "), ...other.split(", ")])].join(", ");
}

function text(value: PropertyValue): string {
  return typeof value === "string" ? value : "";
}

function list(value: PropertyValue): readonly PropertyValue[] {
  return Array.isArray(value) ? (value as readonly PropertyValue[]) : [];
}
