// Orders from a web shop and from an EventBridge rule, to a warehouse that takes ten orders per second.
import * as aws from "@pulumi/aws";
import * as path from "node:path";
import { ThrottledQueueConsumer } from "../components";

const webShop = new aws.iam.Role("web-shop", {
  assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }),
});
const account = aws.getCallerIdentityOutput();

const orders = new ThrottledQueueConsumer("orders", {
  entry: path.join(__dirname, "process-order.ts"),
  target: { messagesPerSecond: 10, secondsPerMessage: 0.8 },
  producers: { rules: { serviceName: "events.amazonaws.com", sourceAccount: account.accountId } },
});
orders.grantSend("web-shop", webShop);

/** Where orders are sent. */
export const queueUrl = orders.queueUrl;
/** How the concurrency came about. */
export const sizing = orders.sizingArithmetic;
