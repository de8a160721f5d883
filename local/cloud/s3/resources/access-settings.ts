// Settings that say who may do what: policy, public access block, ownership, CORS.
import { AwsError } from "../../core/errors";
import type { InputReader } from "../../core/input-reader";
import type { ResourceModel } from "../../core/resource-model";
import type { S3Environment } from "../environment";
import { isPublicPolicy, parseBucketPolicy } from "../policy";
import type { CorsRule } from "../state";
import { settingModel } from "./setting";

const CORS_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD"];
const MAXIMUM_CORS_RULES = 100;

/** Models of the settings of access. */
export function accessModels(environment: S3Environment): readonly ResourceModel[] {
  return [policyModel(environment), blockModel(environment), ownershipModel(environment), corsModel(environment)];
}

function policyModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketPolicy:BucketPolicy",
    summary:
      "The policy is evaluated at every call to the bucket; a public one is refused while public policies are blocked.",
    check: (inputs) => {
      const policy = inputs.requiredText("policy");
      const bucket = inputs.text("bucket");
      inputs.allowOnly("bucket", "policy", "region");
      if (policy === undefined || bucket === undefined) return;
      try {
        parseBucketPolicy(policy, bucket);
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        inputs.refuse("policy", `${error.code}: ${error.message}`);
      }
    },
    apply: (bucket, inputs) => {
      const text = inputs.text("policy") ?? "";
      const document = parseBucketPolicy(text, bucket.name);
      if (bucket.publicAccessBlock?.blockPublicPolicy && isPublicPolicy(document)) {
        throw new AwsError(
          "AccessDenied",
          "Access Denied: public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.",
          403,
        );
      }
      bucket.policy = { text, document };
    },
    clear: (bucket) => {
      bucket.policy = undefined;
    },
  });
}

function blockModel(environment: S3Environment): ResourceModel {
  const switches = ["blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets"];
  return settingModel(environment, {
    type: "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    summary: "Public policies are refused, or count for the owner's account only, as set; there are no ACLs to block.",
    check: (inputs) => {
      for (const name of [...switches, "skipDestroy"]) inputs.flag(name);
      inputs.allowOnly("bucket", "region", "skipDestroy", ...switches);
    },
    apply: (bucket, inputs) => {
      bucket.publicAccessBlock = {
        blockPublicAcls: inputs.flag("blockPublicAcls") ?? false,
        blockPublicPolicy: inputs.flag("blockPublicPolicy") ?? false,
        ignorePublicAcls: inputs.flag("ignorePublicAcls") ?? false,
        restrictPublicBuckets: inputs.flag("restrictPublicBuckets") ?? false,
      };
    },
    clear: (bucket) => {
      bucket.publicAccessBlock = undefined;
    },
    outputs: (bucket) => ({ ...bucket.publicAccessBlock }),
  });
}

function ownershipModel(environment: S3Environment): ResourceModel {
  const choices = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];
  return settingModel(environment, {
    type: "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    summary: "Under BucketOwnerEnforced requests with ACLs are refused; ACLs themselves are not simulated.",
    check: (inputs) => {
      const rule = inputs.nested("rule");
      if (!rule) inputs.refuse("rule", "is required");
      rule?.requiredText("objectOwnership");
      rule?.choice("objectOwnership", choices);
      inputs.allowOnly("bucket", "region", "rule");
    },
    apply: (bucket, inputs) => {
      const value = inputs.nested("rule")?.text("objectOwnership");
      bucket.ownership = value === "BucketOwnerPreferred" || value === "ObjectWriter" ? value : "BucketOwnerEnforced";
    },
    clear: (bucket) => {
      bucket.ownership = "BucketOwnerEnforced";
    },
  });
}

function corsModel(environment: S3Environment): ResourceModel {
  return settingModel(environment, {
    type: "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
    summary: "Preflights and actual answers follow the rules, AllowedHeader and ExposeHeader included.",
    check: (inputs) => {
      inputs.allowOnly("bucket", "corsRules", "expectedBucketOwner", "region");
      const rules = inputs.list("corsRules");
      if (rules.length === 0 || rules.length > MAXIMUM_CORS_RULES) {
        inputs.refuse("corsRules", `must hold 1 to ${MAXIMUM_CORS_RULES} rules, got ${rules.length}`);
      }
      rules.forEach(checkCorsRule);
    },
    apply: (bucket, inputs) => {
      bucket.cors = inputs.list("corsRules").map(readCorsRule);
    },
    clear: (bucket) => {
      bucket.cors = undefined;
    },
  });
}

function checkCorsRule(rule: InputReader): void {
  rule.allowOnly("allowedHeaders", "allowedMethods", "allowedOrigins", "exposeHeaders", "id", "maxAgeSeconds");
  const methods = rule.texts("allowedMethods");
  if (methods.length === 0) rule.refuse("allowedMethods", "must name at least one method");
  for (const method of methods) {
    if (!CORS_METHODS.includes(method)) {
      rule.refuse("allowedMethods", `must be of ${CORS_METHODS.join(", ")}, got ${method}`);
    }
  }
  if (rule.texts("allowedOrigins").length === 0) rule.refuse("allowedOrigins", "must name at least one origin");
  for (const property of ["allowedOrigins", "allowedHeaders"]) {
    for (const value of rule.texts(property)) {
      if (value.split("*").length > 2) rule.refuse(property, `can not have more than one wildcard, got ${value}`);
    }
  }
  for (const header of rule.texts("exposeHeaders")) {
    if (header.includes("*")) {
      rule.refuse("exposeHeaders", `contains the wildcard ${header}; S3 supports none in ExposeHeader`);
    }
  }
  rule.integer("maxAgeSeconds", 0, 2147483647);
  const id = rule.text("id");
  if (id !== undefined && id.length > 255) rule.refuse("id", "must be at most 255 characters");
}

function readCorsRule(rule: InputReader): CorsRule {
  const id = rule.text("id");
  const maxAgeSeconds = rule.number("maxAgeSeconds");
  return {
    ...(id === undefined ? {} : { id }),
    allowedOrigins: rule.texts("allowedOrigins"),
    allowedMethods: rule.texts("allowedMethods"),
    allowedHeaders: rule.texts("allowedHeaders"),
    exposeHeaders: rule.texts("exposeHeaders"),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
  };
}
