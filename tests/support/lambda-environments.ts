// Execution environments that run the consumer kit in this process on a virtual clock, one event at a time each, and that can die in
// the middle: what was begun in one then never goes on.
import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { createQueueHandler, type QueueConsumer } from "../../handlers/queue";
import type { QueueHandler } from "../../handlers/queue/lambda";
import type { SimulatedInvocation } from "../../local/cloud/cloud";
import type { Clock } from "../../local/cloud/core/clock";

/** The life of an environment between two deaths. */
interface Life {
  dead: boolean;
}

/** Works on a message; `pause` never returns once the environment is dead. */
export type WorkInLife = (
  message: Parameters<QueueConsumer["processMessage"]>[0],
  context: Parameters<QueueConsumer["processMessage"]>[1],
  pause: (milliseconds: number) => Promise<void>,
) => Promise<void>;

/** One environment. */
export class LambdaEnvironment {
  private life: Life = { dead: false };
  private readonly handler: QueueHandler;

  constructor(
    private readonly clock: Clock,
    consumer: Omit<QueueConsumer, "processMessage"> & { readonly work: WorkInLife },
    variables: Readonly<Record<string, string>>,
    random: () => number,
  ) {
    const { work, ...rest } = consumer;
    const startTimer = (milliseconds: number, callback: () => void): (() => void) => {
      const { life } = this;
      const timer = clock.setTimer(milliseconds, () => {
        if (!life.dead) callback();
      });
      return () => timer.cancel();
    };
    this.handler = createQueueHandler(
      {
        ...rest,
        processMessage: (message, context) =>
          work(message, context, (milliseconds) => pause(startTimer, milliseconds, context.signal)),
      },
      variables,
      { now: () => clock.now(), random, startTimer, writeLine: () => undefined },
    );
  }

  /** Runs one event. @param diesAfterMs milliseconds after which the environment dies, and with it the event. */
  async run({ event, requestId, deadline }: SimulatedInvocation, diesAfterMs?: number): Promise<SQSBatchResponse> {
    const { clock } = this;
    const context = {
      awsRequestId: requestId,
      getRemainingTimeInMillis: () => Math.max(0, deadline - clock.now()),
    } as Context;
    const work = this.handler(event as SQSEvent, context);
    if (diesAfterMs === undefined) return work;
    return Promise.race([
      work,
      new Promise<never>((_, reject) => {
        clock.setTimer(diesAfterMs, () => {
          this.life.dead = true;
          this.life = { dead: false };
          reject(new Error("Runtime exited with error: signal: killed"));
        });
      }),
    ]);
  }
}

/** Resolves after so many milliseconds, rejects when the signal aborts. */
function pause(
  startTimer: (milliseconds: number, callback: () => void) => () => void,
  milliseconds: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(new Error("the work was cut short"));
    };
    const cancel = startTimer(milliseconds, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
