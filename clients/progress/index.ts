// Client of ProgressTrackedWorkflow: starts runs and follows them. No dependencies; browsers, and Node from version 22 on.
export {
  createProgressClient,
  type CallOptions,
  type ConnectionStatus,
  type ProgressClient,
  type ProgressClientOptions,
} from "./client";
export type { Clock, OpenSocket, ProgressEnvironment, Socket, SocketHandlers } from "./environment";
export { ProgressError, type ProgressClientErrorCode } from "./errors";
export type { ConnectionState } from "./link";
export { remainingSeconds } from "./remaining";
export { createRunStore, type RunStore } from "./store";
export type { TicketOptions, TicketSource } from "./tickets";
export { viewRun, type RunView, type StepState, type StepView } from "./view";
export type { Watch, WatchOptions } from "./watch";
