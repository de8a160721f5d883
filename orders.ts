// The stack's example workflow: an order goes from inventory to the door, and its customer watches.
import * as pulumi from "@pulumi/pulumi";
import {
  ProgressTrackedWorkflow,
  type ProgressTrackedWorkflowArgs,
  trackProgress,
} from "./components/progress-tracked-workflow";
import { createHandlerFunction, libraryCode } from "./components/shared/function";
import { ORDER_STEPS, type OrderStep } from "./handlers/orders/contract";

const STATES = {
  "reserve-inventory": { state: "ReserveInventory", label: "Inventory reserved", weight: 2 },
  "charge-payment": { state: "ChargePayment", label: "Payment charged", weight: 3 },
  "print-label": { state: "PrintLabel", label: "Label printed", weight: 1 },
  ship: { state: "Ship", label: "Shipped", weight: 2 },
} as const satisfies Readonly<Record<OrderStep, { state: string; label: string; weight: number }>>;

/** What the example needs beside the workflow's own arguments. */
export type OrderWorkflowArgs = Omit<
  ProgressTrackedWorkflowArgs,
  "definition" | "definitionFile" | "policyStatements"
> & {
  readonly logRetentionDays: number;
  readonly tags: Record<string, pulumi.Input<string>>;
};

/** Declares one function per step, and the workflow that calls them. */
export function declareOrderWorkflow(name: string, args: OrderWorkflowArgs): ProgressTrackedWorkflow {
  const tasks = new pulumi.ComponentResource("serverless-patterns:program:OrderTasks", `${name}-tasks`);
  const functions = ORDER_STEPS.map((step) => ({
    step,
    arn: createHandlerFunction(
      `${name}-tasks-${step}`,
      {
        code: libraryCode(`orders/${step}`),
        description: `Simulated work of the order workflow: ${step}`,
        environment: {},
        timeoutSeconds: 90,
        memorySize: 256,
        logRetentionDays: args.logRetentionDays,
        tags: args.tags,
        region: args.region,
        statements: [],
      },
      tasks,
    ).function.arn,
  }));
  const states = functions.map(({ step, arn }, index) => {
    const { state, label, weight } = STATES[step];
    const next = ORDER_STEPS[index + 1];
    return [
      state,
      trackProgress(
        {
          Type: "Task",
          Resource: "arn:aws:states:::lambda:invoke",
          Arguments: { FunctionName: arn, Payload: "{% $states.input %}" },
          Output: "{% $states.input %}",
          TimeoutSeconds: 120,
          Retry: [
            {
              ErrorEquals: ["Lambda.ServiceException", "Lambda.SdkClientException", "Lambda.TooManyRequestsException"],
              IntervalSeconds: 1,
              MaxAttempts: 3,
              BackoffRate: 2,
              JitterStrategy: "FULL",
            },
          ],
          ...(next === undefined ? { End: true } : { Next: STATES[next].state }),
        },
        { label, weight },
      ),
    ] as const;
  });
  return new ProgressTrackedWorkflow(name, {
    ...args,
    definition: {
      Comment: "Inventory, payment, label, shipped",
      QueryLanguage: "JSONata",
      StartAt: STATES[ORDER_STEPS[0]].state,
      States: Object.fromEntries(states),
    },
    policyStatements: [
      { sid: "DoSteps", actions: ["lambda:InvokeFunction"], resources: functions.map(({ arn }) => arn) },
    ],
  });
}
