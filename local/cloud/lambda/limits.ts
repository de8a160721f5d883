// Limits of AWS Lambda. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

/** Largest synchronous request, and largest buffered response: 6 MiB. */
export const SYNCHRONOUS_PAYLOAD_BYTES = 6 * 1024 ** 2;
/** Largest asynchronous request: 1 MiB. */
export const ASYNCHRONOUS_PAYLOAD_BYTES = 1024 ** 2;
/** What Lambda allows a runtime to post: 6 MiB and 100 bytes for the envelope. */
export const RESPONSE_BYTES = SYNCHRONOUS_PAYLOAD_BYTES + 100;
/** Unpacked code: 250 MiB. */
export const UNPACKED_CODE_BYTES = 262_144_000;
/** All environment variables together: 4 KiB. */
export const ENVIRONMENT_BYTES = 4096;
/** Concurrent executions of an account in a Region. */
export const ACCOUNT_CONCURRENCY = 1000;
/** What reserved concurrency must leave to functions without one. */
export const MINIMUM_UNRESERVED_CONCURRENCY = 100;
/** Time for the init phase, in milliseconds. */
export const INIT_TIMEOUT_MS = 10_000;
/** Longest time that an asynchronous event waits, in seconds: six hours. */
export const MAXIMUM_EVENT_AGE_SECONDS = 21_600;
/** Retries of an asynchronous event after a function error. */
export const MAXIMUM_RETRY_ATTEMPTS = 2;
/** Bytes of log that an invocation with LogType Tail returns. */
export const LOG_TAIL_BYTES = 4096;
