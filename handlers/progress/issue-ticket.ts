// Gives out tickets to users whom API Gateway has verified.
import { randomBytes } from "node:crypto";
import { toIso } from "../shared/clock";
import { TICKET_SECONDS, type TicketRequest, type TicketResponse } from "./contract";
import { RunNotFoundError } from "./errors";
import type { RunStore, TicketStore } from "./ports";

/** What a ticket needs. */
export interface TicketDependencies {
  readonly runs: Pick<RunStore, "find">;
  readonly tickets: Pick<TicketStore, "issue">;
  readonly socketUrl: string;
  readonly now: () => number;
}

const TICKET_BYTES = 32;

/** Makes a ticket for a user, for one run if the request names one. @throws RunNotFoundError when that is not theirs. */
export async function issueTicket(
  { runs, tickets, socketUrl, now }: TicketDependencies,
  owner: string,
  { executionId }: TicketRequest,
): Promise<TicketResponse> {
  if (executionId !== undefined && (await runs.find(executionId))?.owner !== owner) throw new RunNotFoundError();
  const ticket = randomBytes(TICKET_BYTES).toString("base64url");
  const usableUntil = now() + TICKET_SECONDS * 1000;
  await tickets.issue(ticket, { owner, ...(executionId === undefined ? {} : { scope: executionId }) }, usableUntil);
  return { ticket, expiresAt: toIso(usableUntil), url: socketUrl };
}
