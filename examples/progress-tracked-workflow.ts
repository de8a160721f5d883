// An order on its way: inventory for every item, payment beside the invoice, a label, shipped. The customer watches.
import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import { ProgressTrackedWorkflow, ProgressTransport, trackProgress } from "../components";

const role = new aws.iam.Role("order-role", {
  assumeRolePolicy: aws.iam.assumeRolePolicyForPrincipal({ Service: "lambda.amazonaws.com" }),
});
/** What your own functions do is theirs; here one stands for all. */
const work = new aws.lambda.Function("order-work", {
  runtime: "nodejs24.x",
  handler: "index.handler",
  role: role.arn,
  code: new pulumi.asset.AssetArchive({
    "index.js": new pulumi.asset.StringAsset("exports.handler = async (event) => event;"),
  }),
});

/** A task in JSONata that does one part of the work. */
const task = (part: string): { Type: "Task"; [field: string]: unknown } => ({
  Type: "Task",
  Resource: "arn:aws:states:::lambda:invoke",
  Arguments: { FunctionName: work.arn, Payload: { part, order: "{% $states.input %}" } },
  Output: "{% $states.input %}",
  TimeoutSeconds: 30,
  Retry: [{ ErrorEquals: ["Lambda.TooManyRequestsException"], IntervalSeconds: 1, MaxAttempts: 3, BackoffRate: 2 }],
});

const orders = new ProgressTrackedWorkflow("orders", {
  definition: {
    QueryLanguage: "JSONata",
    StartAt: "ReserveInventory",
    States: {
      ReserveInventory: trackProgress(
        {
          Type: "Map",
          Items: "{% $states.input.items %}",
          ItemProcessor: { StartAt: "ReserveItem", States: { ReserveItem: { ...task("reserve"), End: true } } },
          Output: "{% $states.input %}",
          Next: "Settle",
        },
        { label: "Inventory", weight: 4, maximumItemReports: 10 },
      ),
      Settle: {
        Type: "Parallel",
        Branches: [
          {
            StartAt: "TakePayment",
            States: {
              TakePayment: trackProgress(
                { ...task("pay"), End: true },
                { label: "Payment", weight: 3, detail: "{% { 'amount': $states.input.amount } %}" },
              ),
            },
          },
          { StartAt: "WriteInvoice", States: { WriteInvoice: { ...task("invoice"), End: true } } },
        ],
        Output: "{% $states.input %}",
        Next: "PrintLabel",
      },
      PrintLabel: trackProgress({ ...task("label"), Next: "Ship" }, { label: "Shipping label", weight: 1 }),
      Ship: trackProgress({ ...task("ship"), End: true }, { label: "Shipped", weight: 2 }),
    },
  },
  transport: ProgressTransport.Function,
  policyStatements: [{ sid: "WorkOnOrders", actions: ["lambda:InvokeFunction"], resources: [work.arn] }],
  allowedOrigins: [new pulumi.Config().require("pageOrigin")],
  userPoolArn: new pulumi.Config().require("userPoolArn"),
});

/** What the page needs to know. */
export const client = orders.clientSettings;
