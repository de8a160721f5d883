// Settled settings of AcceleratedUploadBucket: defaults applied, rules enforced. Pure.
import * as net from "node:net";
import type * as pulumi from "@pulumi/pulumi";
import { DEFAULT_SIGN_WINDOW, S3_LIMITS, type UploadRules } from "../../handlers/upload/contract";
import { logRetention } from "../shared/limits";
import { enforce, integerBetween, oneOf, type Rule } from "../shared/validation";
import {
  type AcceleratedUploadBucketArgs,
  UploadAuthorizationMode,
  UploadBucketNamespace,
  type UploadThrottlingArgs,
} from "./args";

const GIBIBYTE = 1024 ** 3;
const MEBIBYTE = 1024 ** 2;

/** Regions in which S3 has no Transfer Acceleration. https://docs.aws.amazon.com/AmazonS3/latest/userguide/transfer-acceleration.html */
export const REGIONS_WITHOUT_ACCELERATION: readonly string[] = ["cn-north-1", "us-gov-west-1"];

/** Types that can be uploaded when nothing else is said: none that a browser would run as a page. */
export const DEFAULT_CONTENT_TYPES: readonly string[] = [
  "application/gzip",
  "application/json",
  "application/octet-stream",
  "application/pdf",
  "application/zip",
  "audio/*",
  "image/avif",
  "image/gif",
  "image/jpeg",
  "image/png",
  "image/webp",
  "text/csv",
  "text/plain",
  "video/*",
];

/** Everything settled: what the component reads instead of its arguments. */
export interface AcceleratedUploadBucketSettings {
  readonly allowedOrigins: pulumi.Input<pulumi.Input<string>[]>;
  readonly acknowledgeAnyOrigin: boolean;
  readonly authorizationMode: UploadAuthorizationMode;
  readonly userPoolArn: pulumi.Input<string> | undefined;
  readonly allowedSourceCidrs: readonly string[];
  readonly region: string | undefined;
  readonly bucketName: string | undefined;
  readonly bucketNamespace: UploadBucketNamespace;
  readonly keyPrefix: string;
  readonly abandonAfterDays: number;
  readonly expireObjectsAfterDays: number | undefined;
  readonly kmsKeyArn: pulumi.Input<string> | undefined;
  readonly malwareProtection: boolean;
  readonly webAclArn: pulumi.Input<string> | undefined;
  readonly throttling: Required<UploadThrottlingArgs>;
  readonly alarms: UploadAlarmSettings;
  readonly eventBusName: pulumi.Input<string>;
  readonly logRetentionDays: number;
  readonly memorySize: number;
  readonly deletionProtection: boolean;
  readonly tags: Readonly<Record<string, pulumi.Input<string>>>;
  /** What the handlers get as JSON; the key is added when it is known. */
  readonly rules: Omit<UploadRules, "kmsKeyArn">;
}

/** Settled alarms. */
export interface UploadAlarmSettings {
  readonly enabled: boolean;
  readonly topicArn: pulumi.Input<string> | undefined;
  readonly staleUploadsThreshold: number;
  readonly bytesPerHourThreshold: number;
  readonly clientErrorRate: number;
  readonly serverErrorsThreshold: number;
}

/**
 * Applies defaults and enforces the rules.
 * @throws pulumi.InputPropertiesError with every problem at once; nothing has been registered then.
 */
export function resolveAcceleratedUploadBucketSettings(
  name: string,
  args: AcceleratedUploadBucketArgs,
): AcceleratedUploadBucketSettings {
  enforce(name, [
    ...nameRules(name, args),
    ...authorizationRules(args),
    ...limitRules(args),
    ...contentRules(args),
    ...operationRules(args),
  ]);
  return {
    allowedOrigins: args.allowedOrigins,
    acknowledgeAnyOrigin: args.acknowledgeAnyOrigin ?? false,
    authorizationMode: args.authorizationMode ?? UploadAuthorizationMode.Cognito,
    userPoolArn: args.userPoolArn,
    allowedSourceCidrs: args.allowedSourceCidrs ?? [],
    region: args.region,
    bucketName: args.bucketName,
    bucketNamespace: args.bucketNamespace ?? UploadBucketNamespace.Global,
    keyPrefix: args.keyPrefix ?? "uploads/",
    abandonAfterDays: args.abandonAfterDays ?? 1,
    expireObjectsAfterDays: args.expireObjectsAfterDays,
    kmsKeyArn: args.kmsKeyArn,
    malwareProtection: args.malwareProtection !== undefined && args.malwareProtection.enabled !== false,
    webAclArn: args.webAclArn,
    throttling: { rateLimit: args.throttling?.rateLimit ?? 100, burstLimit: args.throttling?.burstLimit ?? 200 },
    alarms: resolveAlarms(args),
    eventBusName: args.eventBusName ?? "default",
    logRetentionDays: args.logRetentionDays ?? 30,
    memorySize: args.memorySize ?? 512,
    deletionProtection: args.deletionProtection ?? true,
    tags: args.tags ?? {},
    rules: resolveRules(args),
  };
}

function resolveAlarms({ alarms }: AcceleratedUploadBucketArgs): UploadAlarmSettings {
  return {
    enabled: alarms?.enabled ?? true,
    topicArn: alarms?.topicArn,
    staleUploadsThreshold: alarms?.staleUploadsThreshold ?? 10,
    bytesPerHourThreshold: alarms?.bytesPerHourThreshold ?? 1024 * GIBIBYTE,
    clientErrorRate: alarms?.clientErrorRate ?? 0.2,
    serverErrorsThreshold: alarms?.serverErrorsThreshold ?? 1,
  };
}

function resolveRules(args: AcceleratedUploadBucketArgs): Omit<UploadRules, "kmsKeyArn"> {
  return {
    maximumFileBytes: args.maximumFileBytes ?? 50 * GIBIBYTE,
    maximumBytesPerUser: args.maximumBytesPerUser ?? 512 * GIBIBYTE,
    maximumOpenUploadsPerUser: args.maximumOpenUploadsPerUser ?? 100,
    allowedContentTypes: args.allowedContentTypes ?? DEFAULT_CONTENT_TYPES,
    allowedExtensions: args.allowedExtensions ?? [],
    verifyFirstBytes: args.verifyFirstBytes ?? true,
    urlExpirySeconds: args.urlExpirySeconds ?? 300,
    signWindow: args.signWindow ?? DEFAULT_SIGN_WINDOW,
    minimumPartBytes: (args.partSizeMebibytes ?? 5) * MEBIBYTE,
    abandonAfterSeconds: (args.abandonAfterDays ?? 1) * 24 * 60 * 60,
    allowOverwrite: args.allowOverwrite ?? false,
    acceleration: args.acceleration ?? true,
    dualStack: args.dualStack ?? true,
    tenantClaim: args.tenantClaim ?? "custom:tenant",
    serverSideEncryption: args.kmsKeyArn === undefined ? "AES256" : "aws:kms",
  };
}

function nameRules(name: string, args: AcceleratedUploadBucketArgs): Rule[] {
  const { bucketName, keyPrefix } = args;
  // The suffix -<12-digit account>-<region>-an leaves this much of S3's 63 characters.
  const longest = args.bucketNamespace === UploadBucketNamespace.AccountRegional ? 31 : 63;
  const wanted = bucketName ?? name;
  const length = { property: "bucketName", got: bucketName };
  return [
    oneOf("bucketNamespace", args.bucketNamespace, UploadBucketNamespace),
    {
      ...length,
      holds: !wanted.includes("."),
      rule: "hold no period",
      got: wanted,
      remedy: "S3 Transfer Acceleration and TLS need a DNS-compliant name; use hyphens",
    },
    {
      ...length,
      holds:
        bucketName === undefined ||
        (/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/.test(bucketName) &&
          bucketName.length >= 3 &&
          bucketName.length <= longest),
      rule: `be 3 to ${longest} lower-case letters, digits and hyphens, without a hyphen at either end`,
      remedy: "leave it out, and Pulumi makes a name",
    },
    {
      ...length,
      holds: bucketName !== undefined || args.bucketNamespace !== UploadBucketNamespace.AccountRegional,
      rule: 'be given with bucketNamespace "account-regional"',
      remedy: "Pulumi makes no name there; put the stack's name into it",
    },
    {
      property: "keyPrefix",
      holds: keyPrefix === undefined || /^(?:[A-Za-z0-9_-]+\/)+$/.test(keyPrefix),
      rule: 'be letters, digits, "_", "-", in parts that each end with "/"',
      got: keyPrefix,
      remedy: 'write "uploads/" say',
    },
    {
      property: "region",
      holds: !accelerates(args) || !REGIONS_WITHOUT_ACCELERATION.includes(args.region ?? ""),
      rule: "have S3 Transfer Acceleration",
      got: args.region,
      remedy: "AWS does not offer it there; set acceleration: false, or pick another Region",
    },
  ];
}

function accelerates({ acceleration }: AcceleratedUploadBucketArgs): boolean {
  return acceleration ?? true;
}

function authorizationRules(args: AcceleratedUploadBucketArgs): Rule[] {
  const mode = args.authorizationMode ?? UploadAuthorizationMode.Cognito;
  const cidrs = args.allowedSourceCidrs;
  return [
    oneOf("authorizationMode", args.authorizationMode, UploadAuthorizationMode),
    {
      property: "userPoolArn",
      holds: mode !== UploadAuthorizationMode.Cognito || args.userPoolArn !== undefined,
      rule: 'be given with authorizationMode "cognito"',
      got: undefined,
      remedy: 'pass the ARN of a user pool, or choose authorizationMode: "iam"',
    },
    {
      property: "userPoolArn",
      holds: mode !== UploadAuthorizationMode.Iam || args.userPoolArn === undefined,
      rule: 'be left out with authorizationMode "iam"',
      got: "a user pool",
      remedy: "an API accepts one kind of identity; make two components for two kinds",
    },
    {
      property: "allowedSourceCidrs",
      holds: cidrs === undefined || (cidrs.length > 0 && cidrs.every(isCidr)),
      rule: "be one or more CIDR ranges",
      got: cidrs,
      remedy: 'write "192.0.2.0/24" say, or leave it out to admit any address',
    },
    {
      property: "tenantClaim",
      holds: args.tenantClaim === undefined || /^[\w:.-]{1,64}$/.test(args.tenantClaim),
      rule: "be the name of a claim",
      got: args.tenantClaim,
      remedy: 'write "custom:tenant" say',
    },
  ];
}

function isCidr(text: string): boolean {
  const [address = "", bits = "", ...rest] = text.split("/");
  const version = net.isIP(address);
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && version > 0 && Number(bits) <= (version === 4 ? 32 : 128);
}

function limitRules(args: AcceleratedUploadBucketArgs): Rule[] {
  const fileBytes = args.maximumFileBytes ?? 50 * GIBIBYTE;
  return [
    integerBetween(
      "maximumFileBytes",
      args.maximumFileBytes,
      1,
      S3_LIMITS.maximumObjectBytes,
      "S3 stores at most 48.8 TiB",
    ),
    integerBetween("maximumBytesPerUser", args.maximumBytesPerUser, 1, Number.MAX_SAFE_INTEGER),
    {
      property: "maximumBytesPerUser",
      holds: (args.maximumBytesPerUser ?? Math.max(fileBytes, 512 * GIBIBYTE)) >= fileBytes,
      rule: "be no smaller than maximumFileBytes",
      got: args.maximumBytesPerUser,
      remedy: `use at least ${fileBytes}`,
    },
    integerBetween("maximumOpenUploadsPerUser", args.maximumOpenUploadsPerUser, 1, 10_000),
    integerBetween("partSizeMebibytes", args.partSizeMebibytes, 5, 5120, "limits of S3"),
    integerBetween("urlExpirySeconds", args.urlExpirySeconds, 120, 43_200, "a URL dies with the role's credentials"),
    integerBetween("signWindow", args.signWindow, 1, DEFAULT_SIGN_WINDOW),
    integerBetween("abandonAfterDays", args.abandonAfterDays, 1, 365),
    integerBetween("expireObjectsAfterDays", args.expireObjectsAfterDays, 1, 36_500),
  ];
}

function contentRules({ allowedContentTypes, allowedExtensions }: AcceleratedUploadBucketArgs): Rule[] {
  return [
    {
      property: "allowedContentTypes",
      holds:
        allowedContentTypes === undefined ||
        (allowedContentTypes.length > 0 &&
          allowedContentTypes.every((type) => /^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/.test(type))),
      rule: 'be one or more media types in lower case, "image/png" or "image/*"',
      got: allowedContentTypes,
      remedy: "list what may be uploaded; there is no way to allow everything",
    },
    {
      property: "allowedExtensions",
      holds: allowedExtensions === undefined || allowedExtensions.every((item) => /^\.[a-z0-9]{1,16}$/.test(item)),
      rule: "be extensions in lower case with their dot",
      got: allowedExtensions,
      remedy: 'write ".mp4" say',
    },
  ];
}

function operationRules(args: AcceleratedUploadBucketArgs): Rule[] {
  const { alarms, logRetentionDays, throttling } = args;
  const rate = alarms?.clientErrorRate;
  return [
    integerBetween("throttling.rateLimit", throttling?.rateLimit, 1, 10_000),
    integerBetween("throttling.burstLimit", throttling?.burstLimit, 1, 5_000),
    integerBetween("memorySize", args.memorySize, 128, 10_240, "limits of Lambda"),
    integerBetween("alarms.staleUploadsThreshold", alarms?.staleUploadsThreshold, 1, 1_000_000),
    integerBetween("alarms.bytesPerHourThreshold", alarms?.bytesPerHourThreshold, 1, Number.MAX_SAFE_INTEGER),
    integerBetween("alarms.serverErrorsThreshold", alarms?.serverErrorsThreshold, 1, 1_000_000),
    {
      property: "alarms.clientErrorRate",
      holds: rate === undefined || (rate > 0 && rate <= 1),
      rule: "be above 0 and at most 1",
      got: rate,
      remedy: "write 0.2 for a fifth of all calls",
    },
    logRetention(logRetentionDays),
  ];
}
