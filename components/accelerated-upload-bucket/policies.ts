// Policy documents of AcceleratedUploadBucket. Pure functions: known names in, plain data out.
import {
  EVENT_SOURCE,
  UPLOAD_HANDLERS,
  UPLOAD_TABLE,
  type UploadHandler,
  type UploadHandlerName,
} from "../../handlers/upload/contract";
import { buildPolicy, denyInsecureTransport, type PolicyDocument, type Statement } from "../shared/iam";
import { UploadAuthorizationMode } from "./args";

/** Tag and value by which GuardDuty marks a clean object. https://docs.aws.amazon.com/guardduty/latest/ug/monitor-with-s3-tags-malware-protection-s3.html */
export const SCAN_TAG = { key: "GuardDutyMalwareScanStatus", clean: "NO_THREATS_FOUND" } as const;

/** What the bucket policy is made of. */
export interface BucketPolicyParts {
  readonly bucketArn: string;
  readonly keyPrefix: string;
  readonly urlExpirySeconds: number;
  /** With scanning on: the roles that may read objects that are not marked clean. */
  readonly scan: { readonly scannerRoleArn: string; readonly exemptRoleArns: readonly string[] } | undefined;
}

/** TLS only; no signature older than a part URL may be; with scanning on, nothing unscanned is read and nobody forges the mark. */
export function buildBucketPolicy(parts: BucketPolicyParts): PolicyDocument {
  const { bucketArn, keyPrefix, urlExpirySeconds, scan } = parts;
  const objects = `${bucketArn}/*`;
  return buildPolicy([
    denyInsecureTransport("s3:*", [bucketArn, objects]),
    {
      Sid: "DenyOldSignatures",
      Effect: "Deny",
      Principal: "*",
      Action: "s3:PutObject",
      Resource: `${bucketArn}/${keyPrefix}*`,
      Condition: { NumericGreaterThan: { "s3:signatureAge": String(urlExpirySeconds * 1000) } },
    },
    ...(scan ? buildScanGate(bucketArn, keyPrefix, scan) : []),
  ]);
}

function buildScanGate(
  bucketArn: string,
  keyPrefix: string,
  { scannerRoleArn, exemptRoleArns }: NonNullable<BucketPolicyParts["scan"]>,
): Statement[] {
  const Resource = `${bucketArn}/${keyPrefix}*`;
  return [
    {
      Sid: "DenyReadUntilClean",
      Effect: "Deny",
      Principal: "*",
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource,
      Condition: {
        StringNotEquals: { [`s3:ExistingObjectTag/${SCAN_TAG.key}`]: SCAN_TAG.clean },
        ArnNotEquals: { "aws:PrincipalArn": [scannerRoleArn, ...exemptRoleArns] },
      },
    },
    {
      Sid: "DenyForgedScanResult",
      Effect: "Deny",
      Principal: "*",
      Action: ["s3:PutObjectTagging", "s3:PutObjectVersionTagging"],
      Resource,
      Condition: { ArnNotEquals: { "aws:PrincipalArn": scannerRoleArn } },
    },
  ];
}

/** ARNs that a handler's policy names. */
export interface HandlerPolicyParts {
  readonly bucketArn: string;
  readonly keyPrefix: string;
  readonly tableArn: string;
  readonly eventBusArn: string;
  readonly kmsKeyArn: string | undefined;
  readonly region: string;
}

/** Statements of one handler's role, beyond its logs: the actions of its row in UPLOAD_HANDLERS, each on its exact resource. */
export function buildHandlerStatements(
  handlerName: UploadHandlerName,
  parts: HandlerPolicyParts,
): readonly Statement[] {
  const handler: UploadHandler = UPLOAD_HANDLERS[handlerName];
  const allow = (Sid: string, Action: readonly string[], Resource: string): Statement[] =>
    Action.length === 0 ? [] : [{ Sid, Effect: "Allow", Action, Resource }];
  return [
    ...allow("UseUploads", handler.s3Actions, `${parts.bucketArn}/${parts.keyPrefix}*`),
    ...allow("UseTable", handler.tableActions, parts.tableArn),
    ...allow("UseIndex", handler.indexActions, `${parts.tableArn}/index/${UPLOAD_TABLE.dueIndex.name}`),
    ...(parts.kmsKeyArn === undefined
      ? []
      : allow("UseKey", handler.kmsActions, parts.kmsKeyArn).map((statement) => ({
          ...statement,
          // Through S3 only: the key may protect other things as well.
          Condition: { StringEquals: { "kms:ViaService": `s3.${parts.region}.${dnsSuffix(parts.region)}` } },
        }))),
    ...(handler.events ? [buildEventStatement(parts.eventBusArn)] : []),
  ];
}

function buildEventStatement(eventBusArn: string): Statement {
  return {
    Sid: "PutEvents",
    Effect: "Allow",
    Action: ["events:PutEvents"],
    Resource: eventBusArn,
    Condition: { StringEquals: { "events:source": EVENT_SOURCE } },
  };
}

/**
 * Resource policy of the API: nobody from outside the given ranges, and no wider than without it. With a user pool the authorizer
 * decides after this policy has allowed. With IAM, an allowance here would do instead of the caller's own, so only the preflight
 * gets one, which browsers send without a signature.
 */
export function buildApiPolicy(
  allowedSourceCidrs: readonly string[],
  authorizationMode: UploadAuthorizationMode,
): PolicyDocument {
  const Resource = "execute-api:/*";
  const allowed = authorizationMode === UploadAuthorizationMode.Iam ? "execute-api:/*/OPTIONS/*" : Resource;
  return buildPolicy([
    { Sid: "AllowInvoke", Effect: "Allow", Principal: "*", Action: "execute-api:Invoke", Resource: allowed },
    {
      Sid: "DenyOtherAddresses",
      Effect: "Deny",
      Principal: "*",
      Action: "execute-api:Invoke",
      Resource,
      Condition: { NotIpAddress: { "aws:SourceIp": allowedSourceCidrs } },
    },
  ]);
}

/** What GuardDuty's scanner may do: https://docs.aws.amazon.com/guardduty/latest/ug/malware-protection-s3-iam-policy-prerequisite.html */
export function buildScannerPolicy(parts: {
  readonly bucketArn: string;
  readonly keyPrefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly partition: string;
  readonly kmsKeyArn: string | undefined;
}): PolicyDocument {
  const { bucketArn, keyPrefix, accountId, region, partition, kmsKeyArn } = parts;
  const objects = `${bucketArn}/${keyPrefix}*`;
  const rule = `arn:${partition}:events:${region}:${accountId}:rule/DO-NOT-DELETE-AmazonGuardDutyMalwareProtectionS3*`;
  const managedBy = { StringEquals: { "events:ManagedBy": "malware-protection-plan.guardduty.amazonaws.com" } };
  const ownAccount = { StringEquals: { "aws:ResourceAccount": accountId } };
  const statements: Statement[] = [
    {
      Sid: "ManageOwnRule",
      Effect: "Allow",
      Action: ["events:PutRule", "events:DeleteRule", "events:PutTargets", "events:RemoveTargets"],
      Resource: rule,
      Condition: managedBy,
    },
    {
      Sid: "ReadOwnRule",
      Effect: "Allow",
      Action: ["events:DescribeRule", "events:ListTargetsByRule"],
      Resource: rule,
    },
    {
      Sid: "TagObjects",
      Effect: "Allow",
      Action: [
        "s3:PutObjectTagging",
        "s3:GetObjectTagging",
        "s3:PutObjectVersionTagging",
        "s3:GetObjectVersionTagging",
      ],
      Resource: objects,
      Condition: ownAccount,
    },
    {
      Sid: "ManageBucketNotifications",
      Effect: "Allow",
      Action: ["s3:PutBucketNotification", "s3:GetBucketNotification"],
      Resource: bucketArn,
      Condition: ownAccount,
    },
    {
      Sid: "ValidateOwnership",
      Effect: "Allow",
      Action: ["s3:PutObject"],
      Resource: `${bucketArn}/malware-protection-resource-validation-object`,
      Condition: ownAccount,
    },
    { Sid: "FindBucket", Effect: "Allow", Action: ["s3:ListBucket"], Resource: bucketArn, Condition: ownAccount },
    {
      Sid: "ReadObjects",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:GetObjectVersion"],
      Resource: objects,
      Condition: ownAccount,
    },
  ];
  const key: Statement[] =
    kmsKeyArn === undefined
      ? []
      : [
          {
            Sid: "UseKey",
            Effect: "Allow",
            Action: ["kms:GenerateDataKey", "kms:Decrypt"],
            Resource: kmsKeyArn,
            Condition: { StringEquals: { "kms:ViaService": `s3.${region}.${dnsSuffix(region)}` } },
          },
        ];
  return buildPolicy([...statements, ...key]);
}

/** What the host names of AWS end with in a Region: China has its own. */
export function dnsSuffix(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}
