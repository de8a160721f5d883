// Moves all messages by SQS's own message move task: it runs at AWS, also when this command has ended.
import type { ListMessageMoveTasksResultEntry, SQS } from "@aws-sdk/client-sqs";
import { UsageError } from "../arguments";
import type { Connection } from "../queues/connection";
import { wait } from "../queues/pace";
import type { Queue } from "../queues/queue";

/** What to move. */
export interface TaskOrder {
  readonly from: Queue;
  readonly to: Queue;
  /** Most messages a second; left out: as SQS sees fit. */
  readonly rate?: number;
  /** Cancels the task. */
  readonly signal: AbortSignal;
  onProgress(moved: number, total: number): void;
}

/** How the task ended. */
export interface TaskResult {
  /** "COMPLETED", "CANCELLED", "FAILED" */
  readonly status: string;
  readonly moved: number;
  readonly failure?: string;
  /** Whether it had been started by an earlier command. */
  readonly joined: boolean;
}

/**
 * Starts a task, or joins the one that runs already, and waits for its end.
 * @throws UsageError when one runs that moves elsewhere.
 */
export async function runMoveTask({ sqs, pollMs }: Connection, order: TaskOrder): Promise<TaskResult> {
  const { from, to, rate, signal, onProgress } = order;
  const running = await latestTask(sqs, from.arn);
  const joined = running?.Status === "RUNNING" || running?.Status === "CANCELLING";
  if (joined && running.DestinationArn !== to.arn) {
    throw new UsageError(
      `a move of ${from.name} to ${running.DestinationArn ?? "its sources"} is under way, and a queue has one at a time; wait for its end`,
    );
  }
  let handle = running?.TaskHandle;
  if (!joined) {
    const started = await sqs.startMessageMoveTask({
      SourceArn: from.arn,
      // Messages that the kit has rejected do not know which queue they come from.
      DestinationArn: to.arn,
      ...(rate === undefined ? {} : { MaxNumberOfMessagesPerSecond: rate }),
    });
    handle = started.TaskHandle;
  }
  let cancelled = false;
  for (;;) {
    const task = await latestTask(sqs, from.arn);
    const moved = task?.ApproximateNumberOfMessagesMoved ?? 0;
    const status = task?.Status ?? "FAILED";
    onProgress(moved, task?.ApproximateNumberOfMessagesToMove ?? moved);
    if (status !== "RUNNING" && status !== "CANCELLING") {
      const failure = task?.FailureReason;
      return { status, moved, joined, ...(failure === undefined ? {} : { failure }) };
    }
    if (signal.aborted && !cancelled && handle !== undefined) {
      cancelled = true;
      await sqs.cancelMessageMoveTask({ TaskHandle: handle });
      continue;
    }
    // Once cancelled, the signal would end every wait at once.
    await wait(pollMs, cancelled ? new AbortController().signal : signal);
  }
}

async function latestTask(sqs: SQS, SourceArn: string): Promise<ListMessageMoveTasksResultEntry | undefined> {
  const { Results = [] } = await sqs.listMessageMoveTasks({ SourceArn, MaxResults: 1 });
  return Results[0];
}
