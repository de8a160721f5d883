// The example workflow: an order goes from inventory to the door. Imports nothing.

/** The steps, in order; each is a function `handlers/orders/<step>.ts` that exports `handler`. */
export const ORDER_STEPS = ["reserve-inventory", "charge-payment", "print-label", "ship"] as const;
/** One step. */
export type OrderStep = (typeof ORDER_STEPS)[number];

/** Input of the workflow, and of every step. */
export interface Order {
  /** 1 to 64 characters. */
  readonly orderId: string;
  /** 1 to 1,000 items. */
  readonly items: readonly OrderItem[];
  /** How long each step takes, in milliseconds: 0 to 60,000. Left out: 0. */
  readonly durationMs?: number;
  /** Step that fails. */
  readonly failAt?: OrderStep;
}

/** An ordered item. */
export interface OrderItem {
  readonly sku: string;
  /** Whole number from 1. */
  readonly quantity: number;
  readonly unitPriceCents: number;
}

/** Result of reserve-inventory. */
export interface Reservation {
  readonly reservationId: string;
  readonly reservedItems: number;
}

/** Result of charge-payment. */
export interface Payment {
  readonly paymentId: string;
  readonly amountCents: number;
}

/** Result of print-label. */
export interface Label {
  readonly trackingNumber: string;
}

/** Result of ship. */
export interface Shipment {
  readonly shipmentId: string;
}

/** Names of the errors that the steps end with, for Catch; an order that is no order ends with "InvalidOrder". */
export const ORDER_ERRORS = {
  "reserve-inventory": "OutOfStock",
  "charge-payment": "PaymentDeclined",
  "print-label": "PrinterOffline",
  ship: "CarrierUnavailable",
} as const satisfies Readonly<Record<OrderStep, string>>;
