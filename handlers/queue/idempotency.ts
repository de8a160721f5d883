// Who works on a message, and what is done: one row per idempotency key.
//
// missing -> in progress (claimed until the deadline of its worker) -> completed (until its time to live) | missing (failed)
//
// A worker that dies leaves its claim behind; it falls at the deadline, after which nobody works under it any more.
import { createHash } from "node:crypto";
import { numberIn, textIn, type StateTable } from "./state-table";

/** A claim that holds until it is completed, released or outdated. */
export interface Claim {
  readonly key: string;
  readonly owner: string;
}

/** What a claim met. */
export type ClaimResult =
  | { readonly kind: "claimed"; readonly claim: Claim }
  | { readonly kind: "completed" }
  /** Another worker has it, at most until `until` (milliseconds since the epoch). */
  | { readonly kind: "in-progress"; readonly until: number };

const IN_PROGRESS = "INPROGRESS";
const COMPLETED = "COMPLETED";
/** DynamoDB takes 2,048 bytes; longer keys go by their hash. */
const LONGEST_KEY_BYTES = 1024;
/** Rows of dead workers vanish a day after their claim fell. */
const LEFTOVER_SECONDS = 86_400;

/** The claims of one queue. */
export class IdempotencyStore {
  constructor(
    private readonly table: StateTable,
    /** Seconds that a completed key is remembered. */
    private readonly expirySeconds: number,
    private readonly now: () => number,
    private readonly newOwner: () => string,
  ) {}

  /** Claims a key. @param until when the worker's time is up at the latest, in milliseconds since the epoch. */
  async claim(idempotencyKey: string, until: number): Promise<ClaimResult> {
    const claim = { key: rowKey(idempotencyKey), owner: this.newOwner() };
    const now = this.now();
    // The owner is in the condition too: a call repeated after a lost answer meets its own row.
    const { written, row } = await this.table.write({
      operation: "PutItem",
      key: claim.key,
      row: {
        claimState: { S: IN_PROGRESS },
        claimOwner: { S: claim.owner },
        claimedUntil: { N: String(until) },
        expiresAt: { N: String(Math.ceil(until / 1000) + LEFTOVER_SECONDS) },
      },
      condition:
        "attribute_not_exists(pk) OR expiresAt < :seconds OR (claimState = :open AND claimedUntil < :now) OR claimOwner = :owner",
      values: {
        ":seconds": { N: String(Math.floor(now / 1000)) },
        ":now": { N: String(now) },
        ":open": { S: IN_PROGRESS },
        ":owner": { S: claim.owner },
      },
    });
    if (written) return { kind: "claimed", claim };
    if (textIn(row, "claimState") === COMPLETED) return { kind: "completed" };
    // A row that vanished between write and read was released: as good as in progress until now.
    return { kind: "in-progress", until: numberIn(row, "claimedUntil") ?? now };
  }

  /** Remembers that the work is done. Returns false when the claim had fallen to another worker. */
  async complete(claim: Claim): Promise<boolean> {
    const expiresAt = Math.ceil(this.now() / 1000) + this.expirySeconds;
    return this.update(claim, "SET claimState = :state, expiresAt = :expiry REMOVE claimedUntil", {
      ":state": { S: COMPLETED },
      ":expiry": { N: String(expiresAt) },
    });
  }

  /** Holds a claim for longer. Returns false when it had fallen to another worker. */
  async renew(claim: Claim, until: number): Promise<boolean> {
    return this.update(claim, "SET claimedUntil = :until", { ":until": { N: String(until) } });
  }

  /** Gives a claim up, so that the next attempt can start at once. */
  async release({ key, owner }: Claim): Promise<void> {
    await this.table.write({
      operation: "DeleteItem",
      key,
      condition: "attribute_not_exists(pk) OR claimOwner = :owner",
      values: { ":owner": { S: owner } },
    });
  }

  private async update(
    { key, owner }: Claim,
    update: string,
    values: Readonly<Record<string, { readonly S: string } | { readonly N: string }>>,
  ): Promise<boolean> {
    const { written } = await this.table.write({
      operation: "UpdateItem",
      key,
      update,
      condition: "claimOwner = :owner",
      values: { ...values, ":owner": { S: owner } },
    });
    return written;
  }
}

function rowKey(idempotencyKey: string): string {
  const long = Buffer.byteLength(idempotencyKey) > LONGEST_KEY_BYTES;
  return `idempotency#${long ? createHash("sha256").update(idempotencyKey).digest("hex") : idempotencyKey}`;
}
