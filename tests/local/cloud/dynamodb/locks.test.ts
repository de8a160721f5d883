// Proves the order of writes: single writes of an item queue, a transaction waits for earlier ones and refuses later ones.
import assert from "node:assert/strict";
import { ItemLocks } from "../../../../local/cloud/dynamodb/locks";

function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("Item locks", () => {
  it("run writes of one item one after the other, and of others at once", async () => {
    const locks = new ItemLocks();
    const order: string[] = [];
    const { open, opened } = gate();
    const first = locks.write("a", async () => {
      await opened;
      order.push("first");
    });
    const second = locks.write("a", async () => void order.push("second"));
    await locks.write("b", async () => void order.push("other"));

    open();
    await Promise.all([first, second]);

    assert.deepEqual(order, ["other", "first", "second"]);
  });

  it("rejects single writes of an item during a transaction", async () => {
    const locks = new ItemLocks();
    const { open, opened } = gate();
    const transaction = locks.transaction(["a"], () => opened);

    assert.throws(() => locks.write("a", async () => undefined), {
      code: "TransactionConflictException",
      message: "Transaction is ongoing for the item",
    });
    assert.equal(locks.isInTransaction("a"), true);

    open();
    await transaction;
    await locks.write("a", async () => undefined);
  });

  it("hold a transaction until earlier writes are done, failed ones included", async () => {
    const locks = new ItemLocks();
    const order: string[] = [];
    const { open, opened } = gate();
    const write = locks.write("a", async () => {
      await opened;
      order.push("write");
      throw new Error("fails");
    });
    const transaction = locks.transaction(["a", "b"], async () => void order.push("transaction"));

    open();
    await assert.rejects(write);
    await transaction;

    assert.deepEqual(order, ["write", "transaction"]);
  });

  it("hold batches until transactions on their items are done", async () => {
    const locks = new ItemLocks();
    const order: string[] = [];
    const { open, opened } = gate();
    const transaction = locks.transaction(["a"], async () => {
      await opened;
      order.push("transaction");
    });
    const batch = locks.afterTransactions(["a", "b"], async () => void order.push("batch"));

    open();
    await Promise.all([transaction, batch]);

    assert.deepEqual(order, ["transaction", "batch"]);
  });
});
