// Public face of the component.
export * from "./args";
export { ProgressTrackedWorkflow } from "./component";
export { trackProgress, type ProgressMark } from "./weave/marks";
export {
  DEFAULT_WORKFLOW_PRICES,
  estimateWorkflowCost,
  type TransportCost,
  type WorkflowCostEstimate,
  type WorkflowCostQuestion,
  type WorkflowPrices,
} from "./estimate";
