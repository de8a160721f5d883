// What a consumer's or a producer's code imports.
export { NonRetryableError, RetryLaterError } from "./errors";
export { createQueueHandler } from "./lambda";
export type { MessageAttribute, MessageContext, ProcessMessage, QueueConsumer, QueueMessage } from "./message";
export { createProducer, sendMessages } from "./producer";
