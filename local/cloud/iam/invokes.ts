// Provider functions that answer who and where: account, Region, partition, zones, policy documents.
import { NotSimulatedError } from "../core/errors";
import { accountRoot } from "../core/principal";
import type { InvokeModel, PropertyMap, PropertyValue } from "../core/resource-model";
import { renderPolicyDocument } from "./policy-document";

const regionNames: Readonly<Record<string, string>> = {
  "eu-central-1": "Europe (Frankfurt)",
  "eu-north-1": "Europe (Stockholm)",
  "eu-west-1": "Europe (Ireland)",
  "eu-west-2": "Europe (London)",
  "us-east-1": "US East (N. Virginia)",
  "us-east-2": "US East (Ohio)",
  "us-west-2": "US West (Oregon)",
  "ap-southeast-1": "Asia Pacific (Singapore)",
  "ap-northeast-1": "Asia Pacific (Tokyo)",
};

/** Refuses arguments that would change the answer and are not simulated. */
function accept(args: PropertyMap, known: readonly string[], name: string): void {
  const other = Object.keys(args).filter((key) => args[key] !== undefined && !known.includes(key));
  if (other.length > 0) throw new NotSimulatedError(`${name}(${other.join(", ")})`, "local/cloud/iam/invokes.ts");
}

const regionOf = (given: PropertyValue, fallback: string): string => (typeof given === "string" ? given : fallback);

const getCallerIdentity: InvokeModel = (args, { accountId }) => {
  accept(args, ["id"], "getCallerIdentity");
  const { arn, userId } = accountRoot(accountId);
  return { accountId, arn, id: accountId, userId };
};

const getRegion: InvokeModel = (args, context) => {
  accept(args, ["region", "name", "id"], "getRegion");
  const region = regionOf(args.region ?? args.name, context.region);
  const description = regionNames[region] ?? region;
  return { id: region, name: region, region, endpoint: `ec2.${region}.amazonaws.com`, description };
};

const getPartition: InvokeModel = (args) => {
  accept(args, ["id"], "getPartition");
  return { id: "aws", partition: "aws", dnsSuffix: "amazonaws.com", reverseDnsPrefix: "com.amazonaws" };
};

const getAvailabilityZones: InvokeModel = (args, context) => {
  accept(args, ["region", "state"], "getAvailabilityZones");
  if (args.state !== undefined && args.state !== "available") {
    throw new NotSimulatedError(
      `getAvailabilityZones(state: ${JSON.stringify(args.state)})`,
      "local/cloud/iam/invokes.ts",
    );
  }
  const region = regionOf(args.region, context.region);
  const short = region.replace(/-([a-z-]+)-(\d+)$/, (_match, direction: string, number: string) => {
    const letters = direction.match(/gov|iso|north|south|east|west|central/g) ?? [];
    return letters.map((each) => each[0]).join("") + number;
  });
  return {
    ...args,
    id: region,
    region,
    groupNames: [region],
    names: ["a", "b", "c"].map((letter) => `${region}${letter}`),
    zoneIds: [1, 2, 3].map((number) => `${short}-az${number}`),
  };
};

/** Provider functions by token. */
export const iamInvokes: Readonly<Record<string, InvokeModel>> = {
  "aws:index/getCallerIdentity:getCallerIdentity": getCallerIdentity,
  "aws:index/getRegion:getRegion": getRegion,
  "aws:index/getPartition:getPartition": getPartition,
  "aws:index/getAvailabilityZones:getAvailabilityZones": getAvailabilityZones,
  "aws:iam/getPolicyDocument:getPolicyDocument": (args) => renderPolicyDocument(args),
};
