// Public face of the component.
export * from "./args";
export { ThrottledQueueConsumer } from "./component";
export {
  DEFAULT_QUEUE_PRICES,
  deriveConcurrency,
  estimateDrain,
  proposePollerMode,
  type ConcurrencyQuestion,
  type DerivedConcurrency,
  type DrainEstimate,
  type DrainQuestion,
  type PollerProposal,
  type QueuePrices,
} from "./sizing";
