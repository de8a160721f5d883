// The Pulumi program: one stack per environment. `pulumi up -s dev` runs it on AWS, `npm start` on this machine.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import * as path from "node:path";
import {
  AcceleratedUploadBucket,
  ApiGatewayLogging,
  progressPageUrl,
  publishProgressPage,
  publishUploadPage,
  SignInUserPool,
  StaticSite,
  ThrottledQueueConsumer,
} from "./components";
import { declareOrderWorkflow } from "./orders";
import { readStackSettings } from "./settings";

const settings = readStackSettings();
const tags = { project: pulumi.getProject(), stack: pulumi.getStack() };
const { accountId } = aws.getCallerIdentityOutput();

const alarms = settings.alarmTopicArn === undefined ? {} : { alarms: { topicArn: settings.alarmTopicArn } };

const logging = settings.manageApiGatewayAccount ? [new ApiGatewayLogging("api-logging", { tags })] : [];

const site = new StaticSite("site", { tags });

const users = new SignInUserPool("users", {
  domainPrefix: pulumi.interpolate`${tags.project}-${tags.stack}-${accountId}`,
  callbackUrls: [pulumi.interpolate`${site.url}/`, progressPageUrl(site)],
  deletionProtection: settings.deletionProtection,
  tags,
});

const uploads = new AcceleratedUploadBucket(
  "uploads",
  {
    allowedOrigins: [site.url],
    userPoolArn: users.userPoolArn,
    acceleration: settings.acceleration,
    maximumFileBytes: settings.maximumFileGibibytes * 1024 ** 3,
    urlExpirySeconds: settings.urlExpirySeconds,
    logRetentionDays: settings.logRetentionDays,
    deletionProtection: settings.deletionProtection,
    ...(settings.allowedSourceCidrs === undefined ? {} : { allowedSourceCidrs: settings.allowedSourceCidrs }),
    ...alarms,
    tags,
  },
  { dependsOn: logging },
);

publishUploadPage(site, uploads, users);

const work = new ThrottledQueueConsumer("work", {
  entry: path.join(__dirname, "handlers", "work", "process-work.ts"),
  maximumConcurrency: settings.workMaximumConcurrency,
  paused: settings.workPaused,
  logRetentionDays: settings.logRetentionDays,
  deletionProtection: settings.deletionProtection,
  ...alarms,
  tags,
});

const orders = declareOrderWorkflow("orders", {
  allowedOrigins: [site.url],
  userPoolArn: users.userPoolArn,
  transport: settings.progressTransport,
  logRetentionDays: settings.logRetentionDays,
  deletionProtection: settings.deletionProtection,
  ...alarms,
  tags,
});

publishProgressPage(site, orders.clientSettings, users);

/** The upload page: open it and sign in. */
export const uploadPageUrl = site.url;
/** Base URL of the upload API. */
export const uploadApiUrl = uploads.apiUrl;
/** Physical name of the upload bucket. */
export const uploadBucketName = uploads.bucketName;
/** What a client needs to know to upload; no secret. */
export const uploadClientConfiguration = uploads.clientConfiguration;
/** Id of the user pool, to create users in. */
export const userPoolId = users.userPool.id;
/** Where messages of work are sent: `npm run load -- workQueueUrl`. */
export const workQueueUrl = work.queueUrl;
/** Where messages end that failed too often, or were rejected: `npm run dlq -- peek workDeadLetterQueueUrl`. */
export const workDeadLetterQueueUrl = work.deadLetterQueueUrl;
/** The page of the order workflow: send an order and watch it. */
export const progressPage = progressPageUrl(site);
/** What a client of the order workflow needs to know; no secret. */
export const progressClientSettings = orders.clientSettings;
