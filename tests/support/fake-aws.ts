// A provider for component tests: answers with the outputs AWS would return, for the types this project declares. Account
// and Region come from the resource's provider. Names are generated from the logical name alone, so tests can spell them out.
import { createHash } from "node:crypto";
import { UNKNOWN } from "../../local/engine";
import type { InvokeRequest, PropertyMap, PropertyValue, ResourceProvider, ResourceRequest } from "../../local/engine";

/** Account of the default provider. */
export const ACCOUNT_ID = "111111111111";
/** Region when neither provider nor resource names one. */
export const REGION = "eu-west-1";

interface Place {
  readonly account: string;
  readonly region: string;
  readonly inputs: PropertyMap;
  /** Physical name. */
  readonly name: string;
  /** Ten or more characters that only depend on the URN, for ids AWS makes up. */
  readonly token: string;
}
interface Fake {
  /** Input property that Pulumi names automatically. */
  readonly named?: string;
  /** Suffix of a generated name: FIFO topics say. */
  readonly suffix?: (inputs: PropertyMap) => string;
  readonly id: (place: Place) => string;
  readonly outputs?: (place: Place) => PropertyMap;
}

const text = (value: PropertyValue): string => (typeof value === "string" ? value : String(value));
const arn =
  (service: string, rest: (place: Place) => string, global = false) =>
  (place: Place): string =>
    `arn:aws:${service}:${global ? "" : place.region}:${place.account}:${rest(place)}`;
const s3Arn = ({ name }: Place): string => `arn:aws:s3:::${name}`;
const input =
  (key: string) =>
  ({ inputs }: Place): string =>
    text(inputs[key]);
const joined =
  (separator: string, ...keys: readonly string[]) =>
  ({ inputs }: Place): string =>
    keys.map((key) => text(inputs[key])).join(separator);
const byToken =
  (length: number) =>
  ({ token }: Place): string =>
    token.slice(0, length);
const upper =
  (length: number) =>
  ({ token }: Place): string =>
    token.slice(0, length).toUpperCase();

/** A resource that belongs to another and has no outputs of its own: its id is that of the owner. */
const satellite = (key: string): Fake => ({ id: input(key) });
const plain = (length = 10): Fake => ({ id: byToken(length) });
/** Named, with an ARN; id is the name unless `idIsArn`. */
function named(
  property: string,
  arnOf: (place: Place) => string,
  more: (place: Place) => PropertyMap = () => ({}),
  idIsArn = false,
): Fake {
  return {
    named: property,
    id: (place) => (idIsArn ? arnOf(place) : place.name),
    outputs: (place) => ({ arn: arnOf(place), ...more(place) }),
  };
}

const functionArn = arn("lambda", ({ name }) => `function:${name}`);
const stageId = ({ inputs }: Place): string => `ags-${text(inputs.restApi)}-${text(inputs.stageName)}`;
const bucket = named("bucket", s3Arn, ({ name, region }) => ({
  region,
  hostedZoneId: "Z1BKCTXD74EZPE",
  bucketDomainName: `${name}.s3.amazonaws.com`,
  bucketRegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
}));

const stateMachineArn = arn("states", ({ name }) => `stateMachine:${name}`);
const machineOutputs = (place: Place): PropertyMap => ({
  creationDate: "2026-01-01T00:00:00Z",
  revisionId: place.token.slice(0, 32),
  status: "ACTIVE",
  stateMachineVersionArn: place.inputs.publish === true ? `${stateMachineArn(place)}:1` : "",
});
/** "<ARN of the version>" without its number, and the alias. */
const machineAliasArn = ({ inputs, name }: Place): string => {
  const [route] = inputs.routingConfigurations as readonly { readonly stateMachineVersionArn: string }[];
  return `${route?.stateMachineVersionArn.replace(/:\d+$/, "") ?? ""}:${name}`;
};

const FAKES: Readonly<Record<string, Fake>> = {
  "aws:s3/bucket:Bucket": bucket,
  ...Object.fromEntries(
    [
      "bucketAccelerateConfiguration:BucketAccelerateConfiguration",
      "bucketCorsConfiguration:BucketCorsConfiguration",
      "bucketLifecycleConfiguration:BucketLifecycleConfiguration",
      "bucketLogging:BucketLogging",
      "bucketNotification:BucketNotification",
      "bucketOwnershipControls:BucketOwnershipControls",
      "bucketPolicy:BucketPolicy",
      "bucketPublicAccessBlock:BucketPublicAccessBlock",
      "bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
      "bucketVersioning:BucketVersioning",
    ].map((type) => [`aws:s3/${type}`, satellite("bucket")]),
  ),
  "aws:s3/bucketObjectv2:BucketObjectv2": {
    id: input("key"),
    outputs: ({ inputs, token }) => ({
      arn: `arn:aws:s3:::${text(inputs.bucket)}/${text(inputs.key)}`,
      etag: token.slice(0, 32),
    }),
  },
  "aws:dynamodb/table:Table": named(
    "name",
    arn("dynamodb", ({ name }) => `table/${name}`),
    (place) => ({
      streamArn:
        place.inputs.streamEnabled === true
          ? arn("dynamodb", ({ name }) => `table/${name}/stream/2026-01-01T00:00:00.000`)(place)
          : "",
      streamLabel: place.inputs.streamEnabled === true ? "2026-01-01T00:00:00.000" : "",
    }),
  ),
  "aws:lambda/function:Function": named("name", functionArn, (place) => ({
    invokeArn: `arn:aws:apigateway:${place.region}:lambda:path/2015-03-31/functions/${functionArn(place)}/invocations`,
    qualifiedArn: `${functionArn(place)}:$LATEST`,
    version: "$LATEST",
    lastModified: "2026-01-01T00:00:00.000+0000",
    codeSha256: place.token,
  })),
  "aws:lambda/alias:Alias": named(
    "name",
    arn("lambda", (p) => `function:${lambdaName(p)}:${p.name}`),
    undefined,
    true,
  ),
  "aws:lambda/permission:Permission": { named: "statementId", id: ({ name }) => name },
  "aws:lambda/eventSourceMapping:EventSourceMapping": {
    id: byToken(32),
    outputs: (place) => ({
      uuid: place.token.slice(0, 32),
      arn: arn("lambda", ({ token }) => `event-source-mapping:${token.slice(0, 32)}`)(place),
      state: place.inputs.enabled === false ? "Disabled" : "Enabled",
    }),
  },
  "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": satellite("functionName"),
  "aws:iam/role:Role": named(
    "name",
    arn("iam", ({ name }) => `role/${name}`, true),
    (place) => ({ uniqueId: `AROA${upper(17)(place)}` }),
  ),
  "aws:iam/policy:Policy": named(
    "name",
    arn("iam", ({ name }) => `policy/${name}`, true),
    undefined,
    true,
  ),
  "aws:iam/rolePolicy:RolePolicy": { named: "name", id: (place) => `${text(place.inputs.role)}:${place.name}` },
  "aws:iam/rolePolicyAttachment:RolePolicyAttachment": { id: joined("/", "role", "policyArn") },
  "aws:apigateway/restApi:RestApi": named(
    "name",
    (place) => `arn:aws:apigateway:${place.region}::/restapis/${byToken(10)(place)}`,
    (place) => ({
      executionArn: arn("execute-api", byToken(10))(place),
      rootResourceId: `root${byToken(6)(place)}`,
    }),
  ),
  "aws:apigateway/deployment:Deployment": plain(6),
  "aws:apigateway/stage:Stage": {
    id: stageId,
    outputs: ({ inputs, account, region }) => {
      const [api, stage] = [text(inputs.restApi), text(inputs.stageName)];
      return {
        arn: `arn:aws:apigateway:${region}::/restapis/${api}/stages/${stage}`,
        executionArn: `arn:aws:execute-api:${region}:${account}:${api}/${stage}`,
        invokeUrl: `https://${api}.execute-api.${region}.amazonaws.com/${stage}`,
      };
    },
  },
  "aws:apigateway/resource:Resource": {
    id: byToken(6),
    outputs: ({ inputs }) => ({ path: `/${text(inputs.pathPart)}` }),
  },
  "aws:apigateway/method:Method": { id: joined("-", "restApi", "resourceId", "httpMethod") },
  "aws:apigateway/methodSettings:MethodSettings": { id: joined("-", "restApi", "stageName", "methodPath") },
  "aws:apigateway/methodResponse:MethodResponse": {
    id: joined("-", "restApi", "resourceId", "httpMethod", "statusCode"),
  },
  "aws:apigateway/integration:Integration": { id: joined("-", "restApi", "resourceId", "httpMethod") },
  "aws:apigateway/integrationResponse:IntegrationResponse": {
    id: joined("-", "restApi", "resourceId", "httpMethod", "statusCode"),
  },
  "aws:apigateway/response:Response": { id: joined("-", "restApi", "responseType") },
  "aws:apigateway/authorizer:Authorizer": {
    named: "name",
    id: byToken(6),
    outputs: (place) => ({
      arn: `arn:aws:apigateway:${place.region}::/restapis/${input("restApi")(place)}/authorizers/${byToken(6)(place)}`,
    }),
  },
  "aws:apigateway/requestValidator:RequestValidator": { named: "name", id: byToken(6) },
  "aws:apigateway/model:Model": { named: "name", id: byToken(6) },
  "aws:apigateway/account:Account": { id: () => "api-gateway-account" },
  "aws:apigatewayv2/api:Api": {
    named: "name",
    id: byToken(10),
    outputs: (place) => ({
      arn: `arn:aws:apigateway:${place.region}::/apis/${byToken(10)(place)}`,
      executionArn: arn("execute-api", byToken(10))(place),
      apiEndpoint: `wss://${byToken(10)(place)}.execute-api.${place.region}.amazonaws.com`,
    }),
  },
  "aws:apigatewayv2/stage:Stage": {
    named: "name",
    id: ({ name }) => name,
    outputs: ({ inputs, account, region, name }) => {
      const api = text(inputs.apiId);
      return {
        arn: `arn:aws:apigateway:${region}::/apis/${api}/stages/${name}`,
        executionArn: `arn:aws:execute-api:${region}:${account}:${api}/${name}`,
        invokeUrl: `wss://${api}.execute-api.${region}.amazonaws.com/${name}`,
      };
    },
  },
  "aws:apigatewayv2/authorizer:Authorizer": { named: "name", id: byToken(6) },
  ...Object.fromEntries(
    ["deployment:Deployment", "integration:Integration", "route:Route", "routeResponse:RouteResponse"].map((type) => [
      `aws:apigatewayv2/${type}`,
      plain(7),
    ]),
  ),
  "aws:sfn/stateMachine:StateMachine": named("name", stateMachineArn, machineOutputs, true),
  "aws:sfn/alias:Alias": {
    named: "name",
    id: machineAliasArn,
    outputs: (place) => ({ arn: machineAliasArn(place), creationDate: "2026-01-01T00:00:00Z" }),
  },
  "aws:apigateway/usagePlan:UsagePlan": {
    named: "name",
    id: byToken(6),
    outputs: (place) => ({ arn: `arn:aws:apigateway:${place.region}::/usageplans/${byToken(6)(place)}` }),
  },
  "aws:cognito/userPool:UserPool": {
    named: "name",
    id: userPoolId,
    outputs: (place) => ({
      arn: arn("cognito-idp", (one) => `userpool/${userPoolId(one)}`)(place),
      endpoint: `cognito-idp.${place.region}.amazonaws.com/${userPoolId(place)}`,
    }),
  },
  "aws:cognito/userPoolClient:UserPoolClient": {
    named: "name",
    id: byToken(26),
    outputs: ({ inputs, token }) => ({ clientSecret: inputs.generateSecret === true ? token : "" }),
  },
  "aws:cognito/userPoolDomain:UserPoolDomain": {
    id: input("domain"),
    outputs: ({ account, token }) => ({
      awsAccountId: account,
      cloudfrontDistribution: `${token.slice(0, 13)}.cloudfront.net`,
      cloudfrontDistributionArn: `${token.slice(0, 13)}.cloudfront.net`,
    }),
  },
  "aws:cognito/resourceServer:ResourceServer": { id: joined("|", "userPoolId", "identifier") },
  "aws:cognito/userGroup:UserGroup": { named: "name", id: (place) => `${text(place.inputs.userPoolId)}/${place.name}` },
  "aws:cognito/managedLoginBranding:ManagedLoginBranding": {
    id: ({ inputs, token }) => `${text(inputs.userPoolId)},${token.slice(0, 32)}`,
  },
  "aws:cloudfront/distribution:Distribution": {
    id: (place) => `E${upper(13)(place)}`,
    outputs: (place) => ({
      arn: arn("cloudfront", (one) => `distribution/E${upper(13)(one)}`, true)(place),
      domainName: `d${place.token.slice(0, 13)}.cloudfront.net`,
      hostedZoneId: "Z2FDTNDATAQYW2",
      etag: `E${upper(12)(place)}`,
      status: "Deployed",
    }),
  },
  "aws:cloudfront/originAccessControl:OriginAccessControl": {
    named: "name",
    id: (place) => `E${upper(13)(place)}`,
    outputs: (place) => ({ arn: arn("cloudfront", (one) => `origin-access-control/E${upper(13)(one)}`, true)(place) }),
  },
  "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": { named: "name", id: byToken(36) },
  "aws:cloudfront/cachePolicy:CachePolicy": { named: "name", id: byToken(36) },
  "aws:cloudfront/originRequestPolicy:OriginRequestPolicy": { named: "name", id: byToken(36) },
  "aws:cloudfront/function:Function": named(
    "name",
    arn("cloudfront", ({ name }) => `function/${name}`, true),
    () => ({ status: "UNASSOCIATED" }),
  ),
  "aws:cloudwatch/logGroup:LogGroup": named(
    "name",
    arn("logs", ({ name }) => `log-group:${name}`),
  ),
  "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": satellite("policyName"),
  "aws:cloudwatch/logMetricFilter:LogMetricFilter": { named: "name", id: ({ name }) => name },
  "aws:cloudwatch/metricAlarm:MetricAlarm": named(
    "name",
    arn("cloudwatch", ({ name }) => `alarm:${name}`),
  ),
  "aws:cloudwatch/compositeAlarm:CompositeAlarm": named(
    "alarmName",
    arn("cloudwatch", ({ name }) => `alarm:${name}`),
  ),
  "aws:cloudwatch/dashboard:Dashboard": {
    id: input("dashboardName"),
    outputs: (place) => ({
      dashboardArn: arn("cloudwatch", (one) => `dashboard/${input("dashboardName")(one)}`, true)(place),
    }),
  },
  "aws:cloudwatch/eventRule:EventRule": named(
    "name",
    arn("events", ({ name }) => `rule/${name}`),
  ),
  "aws:cloudwatch/eventTarget:EventTarget": {
    named: "targetId",
    id: (place) => `${text(place.inputs.rule)}-${place.name}`,
  },
  "aws:cloudwatch/eventBus:EventBus": named(
    "name",
    arn("events", ({ name }) => `event-bus/${name}`),
  ),
  "aws:sns/topic:Topic": {
    ...named(
      "name",
      arn("sns", ({ name }) => name),
      undefined,
      true,
    ),
    suffix: fifo("fifoTopic"),
  },
  "aws:sns/topicPolicy:TopicPolicy": satellite("arn"),
  "aws:sns/topicSubscription:TopicSubscription": {
    id: subscriptionArn,
    outputs: (place) => ({ arn: subscriptionArn(place), pendingConfirmation: false }),
  },
  "aws:sqs/queue:Queue": {
    named: "name",
    suffix: fifo("fifoQueue"),
    id: queueUrl,
    outputs: (place) => ({ arn: arn("sqs", ({ name }) => name)(place), url: queueUrl(place) }),
  },
  "aws:sqs/queuePolicy:QueuePolicy": satellite("queueUrl"),
  "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": satellite("queueUrl"),
  "aws:kms/key:Key": {
    id: uuid,
    outputs: (place) => ({ arn: arn("kms", (one) => `key/${uuid(one)}`)(place), keyId: uuid(place) }),
  },
  "aws:kms/alias:Alias": named(
    "name",
    arn("kms", ({ name }) => name),
  ),
  "aws:wafv2/webAcl:WebAcl": {
    named: "name",
    id: uuid,
    outputs: (place) => ({
      arn: arn("wafv2", (one) => `regional/webacl/${one.name}/${uuid(one)}`)(place),
      capacity: 1,
    }),
  },
  "aws:wafv2/webAclAssociation:WebAclAssociation": { id: joined(",", "webAclArn", "resourceArn") },
  "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan": {
    id: byToken(20),
    outputs: (place) => ({
      arn: arn("guardduty", (one) => `malware-protection-plan/${byToken(20)(one)}`)(place),
      status: "ACTIVE",
    }),
  },
};

function lambdaName({ inputs }: Place): string {
  return text(inputs.functionName).split(":").at(-1) ?? "";
}
function userPoolId({ region, token }: Place): string {
  return `${region}_${token.slice(0, 9)}`;
}
function uuid({ token }: Place): string {
  return token.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
}
function queueUrl({ region, account, name }: Place): string {
  return `https://sqs.${region}.amazonaws.com/${account}/${name}`;
}
function subscriptionArn(place: Place): string {
  return `${input("topic")(place)}:${uuid(place)}`;
}
function fifo(flag: string): (inputs: PropertyMap) => string {
  return (inputs) => (inputs[flag] === true ? ".fifo" : "");
}

/** The name Pulumi would generate, with a suffix that depends on the logical name alone. */
export function autoname(logicalName: string): string {
  return `${logicalName}-${createHash("sha256").update(logicalName).digest("hex").slice(0, 7)}`;
}

/** Where a resource lives: account of the assumed role, Region of the resource or its provider. */
function placeOf({ urn, name, inputs, provider, type }: ResourceRequest): Place {
  const assumed = provider.inputs.assumeRoles;
  const role = Array.isArray(assumed) ? text((assumed as readonly { roleArn?: string }[])[0]?.roleArn ?? "") : "";
  const property = FAKES[type]?.named;
  return {
    inputs,
    account: role.split(":")[4] ?? ACCOUNT_ID,
    region: text(inputs.region ?? provider.inputs.region ?? REGION),
    name: property === undefined ? name : text(inputs[property]),
    token: createHash("sha256").update(urn).digest("hex"),
  };
}

function fakeOf(type: string): Fake {
  const fake = FAKES[type];
  if (!fake) throw new Error(`unknown resource type; add it to FAKES in tests/support/fake-aws.ts`);
  return fake;
}

function invoke({ token, provider }: InvokeRequest): PropertyMap {
  const region = text(provider.inputs.region ?? REGION);
  switch (token) {
    case "aws:index/getCallerIdentity:getCallerIdentity":
      return { accountId: ACCOUNT_ID, arn: `arn:aws:iam::${ACCOUNT_ID}:user/test`, id: ACCOUNT_ID, userId: "AIDATEST" };
    case "aws:index/getRegion:getRegion":
      return { id: region, name: region, region, description: region, endpoint: `ec2.${region}.amazonaws.com` };
    case "aws:index/getPartition:getPartition":
      return { id: "aws", partition: "aws", dnsSuffix: "amazonaws.com", reverseDnsPrefix: "com.amazonaws" };
    default:
      throw new Error("unknown function; add it to tests/support/fake-aws.ts");
  }
}

/**
 * Makes the provider. In a preview, ids and outputs are unknown, generated names are known: as with the AWS provider.
 * @param overrides replaces single methods, to fail on purpose or to record calls.
 */
export function fakeAws(overrides: Partial<ResourceProvider> = {}): ResourceProvider {
  return {
    check({ type, name, inputs }) {
      const { named: property, suffix } = fakeOf(type);
      if (property === undefined || inputs[property] !== undefined || inputs[`${property}Prefix`] !== undefined) {
        return property !== undefined && inputs[`${property}Prefix`] !== undefined && inputs[property] === undefined
          ? { ...inputs, [property]: `${text(inputs[`${property}Prefix`])}${autoname(name).slice(-7)}` }
          : inputs;
      }
      return { ...inputs, [property]: autoname(name) + (suffix?.(inputs) ?? "") };
    },
    create(request) {
      const fake = fakeOf(request.type);
      const place = placeOf(request);
      const region = request.inputs.region ?? place.region;
      const outputs: PropertyMap = { region, ...fake.outputs?.(place) };
      if (!request.preview) return { id: fake.id(place), outputs };
      return {
        outputs: Object.fromEntries(Object.keys(outputs).map((key) => [key, key === "region" ? region : UNKNOWN])),
      };
    },
    update(request) {
      const fake = fakeOf(request.type);
      return { id: request.id, outputs: fake.outputs?.(placeOf(request)) ?? {} };
    },
    delete: () => undefined,
    read(request) {
      const fake = fakeOf(request.type);
      const place = { ...placeOf(request), name: request.id };
      return { ...(fake.named !== undefined && { [fake.named]: request.id }), ...fake.outputs?.(place) };
    },
    invoke,
    ...overrides,
  };
}
