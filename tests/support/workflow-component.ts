// The smallest arguments with which ProgressTrackedWorkflow works, for its tests.
import { trackProgress, type ProgressTrackedWorkflowArgs } from "../../components";

/** ARN of a user pool. */
export const WORKFLOW_POOL_ARN = "arn:aws:cognito-idp:eu-west-1:111111111111:userpool/eu-west-1_abc";
/** ARN of the function that the workflow calls. */
export const SHIP_ARN = "arn:aws:lambda:eu-west-1:111111111111:function:ship";

/** Minimal arguments. */
export const MINIMAL_WORKFLOW_ARGS = {
  definition: {
    StartAt: "Ship",
    States: {
      Ship: trackProgress(
        {
          Type: "Task",
          Resource: "arn:aws:states:::lambda:invoke",
          Parameters: { FunctionName: SHIP_ARN, "Payload.$": "$" },
          End: true,
        },
        { label: "Shipping", weight: 1 },
      ),
    },
  },
  policyStatements: [{ sid: "Ship", actions: ["lambda:InvokeFunction"], resources: [SHIP_ARN] }],
  allowedOrigins: ["https://app.example.com"],
  userPoolArn: WORKFLOW_POOL_ARN,
} satisfies ProgressTrackedWorkflowArgs;
