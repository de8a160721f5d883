// Proves the simulated steps of the example workflow: results that a repetition has too, time that an order asks for, failures by name.
import assert from "node:assert/strict";
import { handler as chargePayment } from "../../../handlers/orders/charge-payment";
import { ORDER_ERRORS, ORDER_STEPS, type Order, type OrderStep } from "../../../handlers/orders/contract";
import { handler as printLabel } from "../../../handlers/orders/print-label";
import { handler as reserveInventory } from "../../../handlers/orders/reserve-inventory";
import { handler as ship } from "../../../handlers/orders/ship";

const steps: Readonly<Record<OrderStep, (input: unknown) => Promise<object>>> = {
  "reserve-inventory": reserveInventory,
  "charge-payment": chargePayment,
  "print-label": printLabel,
  ship,
};
const order: Order = {
  orderId: "order-1",
  items: [
    { sku: "book", quantity: 2, unitPriceCents: 1250 },
    { sku: "pen", quantity: 1, unitPriceCents: 99 },
  ],
};

describe("Steps of an order", () => {
  it("count items, sum the price and give every order ids of its own, the same every time", async () => {
    const run = (input: Order): Promise<readonly object[]> =>
      Promise.all(ORDER_STEPS.map((name) => steps[name](input)));

    const results = await run(order);

    assert.deepEqual(results, [
      { reservationId: "reservation-feb355a37b2c", reservedItems: 3 },
      { paymentId: "payment-858bda16c957", amountCents: 2599 },
      { trackingNumber: "parcel-3068b3fd25e3" },
      { shipmentId: "shipment-8d7997533d4f" },
    ]);
    assert.deepEqual(await run(order), results);
    assert.notDeepEqual(await run({ ...order, orderId: "order-2" }), results);
  });

  for (const name of ORDER_STEPS) {
    it(`${name} takes as long as the order says`, async () => {
      const before = performance.now();

      await steps[name]({ ...order, durationMs: 20 });

      assert.ok(performance.now() - before >= 19);
    });

    it(`${name} fails with ${ORDER_ERRORS[name]} when the order says so, and no other step does`, async () => {
      for (const other of ORDER_STEPS) {
        const result = steps[other]({ ...order, failAt: name });
        if (other === name) await assert.rejects(result, { name: ORDER_ERRORS[name] });
        else await result;
      }
    });

    it(`${name} rejects what is no order, naming all that is wrong`, async () => {
      await assert.rejects(steps[name]({ orderId: "", items: [{}], durationMs: 60_001, failAt: "x" }), {
        name: "InvalidOrder",
        message:
          "orderId must be a text of 1 to 64 characters; items must be 1 to 1000 of sku, quantity and unitPriceCents; durationMs must be a number from 0 to 60000; failAt must be one of reserve-inventory, charge-payment, print-label, ship",
      });
      await assert.rejects(steps[name](null), { name: "InvalidOrder" });
      await assert.rejects(steps[name]({ ...order, items: [{ ...order.items[0], quantity: 0.5 }] }), {
        name: "InvalidOrder",
      });
    });
  }
});
