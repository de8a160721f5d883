// What a team writes: one function for one message. Batches, failures, back-off and duplicates are the kit's business.
import { NonRetryableError, type QueueMessage } from "../handlers/queue";

interface Order {
  readonly orderId?: unknown;
}

/** Sends one order to the warehouse. Resolving deletes the message, rejecting brings it back later. */
export async function processMessage({ rawBody }: QueueMessage): Promise<void> {
  const answer = await fetch("https://warehouse.example.com/orders", { method: "POST", body: rawBody });
  if (!answer.ok) throw new Error(`the warehouse answered ${answer.status}`);
}

/** What makes an order the same order when it is sent twice. Asked first, so here an order without an id is rejected. */
export function idempotencyKey({ body }: QueueMessage<Order | null>): string {
  const orderId = body?.orderId;
  if (typeof orderId !== "string" || orderId === "") throw new NonRetryableError("the order has no orderId");
  return orderId;
}
