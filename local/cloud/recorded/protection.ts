// Recorded models of protections that have no local counterpart: WAF associations, malware scanning, API Gateway's log role.
import { regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { ResourceModel } from "../core/resource-model";
import type { CloudContext } from "../core/service";
import { recorded } from "./recorded-model";

const ROLE_ARN = /^arn:aws:iam::\d{12}:role\/.+$/;
const WEB_ACL_ARN = /^arn:aws:wafv2:[a-z0-9-]+:\d{12}:regional\/webacl\/[^/]+\/[^/]+$/;
/** Regional resources that WAF protects: API stages, load balancers, user pools, GraphQL APIs, App Runner, Verified Access. */
const PROTECTED_ARN = /^arn:aws:(apigateway|elasticloadbalancing|cognito-idp|appsync|apprunner|ec2|amplify):/;
const BUCKET_NAME = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const MAX_OBJECT_PREFIXES = 5;

/** Model of `aws.wafv2.WebAclAssociation`. */
export function webAclAssociationModel(): ResourceModel {
  return recorded({
    type: "aws:wafv2/webAclAssociation:WebAclAssociation",
    summary: "Puts a resource behind a web ACL. No request is inspected.",
    check(reader) {
      reader.allowOnly("resourceArn", "webAclArn", "region");
      reader.requiredText("resourceArn");
      reader.requiredText("webAclArn");
      reader.matching("resourceArn", PROTECTED_ARN, "the ARN of an API stage, load balancer, user pool or GraphQL API");
      reader.matching("webAclArn", WEB_ACL_ARN, "the ARN of a regional web ACL");
    },
    outputs(inputs, context) {
      const id = `${textIn(inputs, "webAclArn")},${textIn(inputs, "resourceArn")}`;
      return { id, outputs: { ...inputs, region: regionOf(inputs, context) } };
    },
  });
}

/** Model of `aws.guardduty.MalwareProtectionPlan`. */
export function malwareProtectionPlanModel(cloud: CloudContext): ResourceModel {
  return recorded({
    type: "aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan",
    summary: "Asks for malware scans of a bucket. Nothing is scanned: put the tag GuardDutyMalwareScanStatus yourself.",
    check(reader) {
      reader.allowOnly("role", "protectedResource", "actions", "region", "tags");
      reader.requiredText("role");
      reader.matching("role", ROLE_ARN, "the ARN of a role");
      if (!reader.has("protectedResource")) reader.refuse("protectedResource", "is required");
      const bucket = reader.nested("protectedResource")?.nested("s3Bucket");
      if (reader.has("protectedResource") && !bucket) reader.refuse("protectedResource.s3Bucket", "is required");
      bucket?.allowOnly("bucketName", "objectPrefixes");
      bucket?.requiredText("bucketName");
      bucket?.matching("bucketName", BUCKET_NAME, "the name of a bucket");
      const prefixes = bucket?.texts("objectPrefixes") ?? [];
      if (prefixes.length > MAX_OBJECT_PREFIXES) {
        bucket?.refuse("objectPrefixes", `must be at most ${MAX_OBJECT_PREFIXES}, got ${prefixes.length}`);
      }
      for (const action of reader.list("actions")) {
        action.allowOnly("taggings");
        for (const tagging of action.list("taggings")) tagging.choice("status", ["ENABLED", "DISABLED"]);
      }
    },
    outputs(inputs, context, old) {
      const region = regionOf(inputs, context);
      const id = typeof old?.id === "string" ? old.id : cloud.uniqueId(20);
      const arn = `arn:aws:guardduty:${region}:${context.accountId}:malware-protection-plan/${id}`;
      const createdAt = old?.createdAt ?? new Date(cloud.clock.now()).toISOString();
      const facts = { arn, createdAt, status: "ACTIVE", region, ...tagOutputs(inputs, context) };
      return { id, outputs: { ...inputs, ...facts } };
    },
  });
}

/** Model of `aws.apigateway.Account`. */
export function apiGatewayAccountModel(): ResourceModel {
  return recorded({
    type: "aws:apigateway/account:Account",
    summary: "The role with which API Gateway writes logs. The local one needs none.",
    check(reader) {
      reader.allowOnly("cloudwatchRoleArn", "region");
      reader.matching("cloudwatchRoleArn", ROLE_ARN, "the ARN of a role");
    },
    outputs(inputs, context) {
      const throttleSettings = [{ burstLimit: 5000, rateLimit: 10_000 }];
      const facts = {
        apiKeyVersion: "4",
        features: ["UsagePlans"],
        throttleSettings,
        region: regionOf(inputs, context),
      };
      return { id: "api-gateway-account", outputs: { ...inputs, ...facts } };
    },
  });
}
