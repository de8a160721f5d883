// The form for a new order of the example workflow.
import type { Order, OrderItem, OrderStep } from "../../../handlers/orders/contract";
import type { RunDescription } from "../../../handlers/progress/contract";
import { ProgressError, type ProgressClient } from "../../progress";
import { byId, make, makeButton } from "../shared/dom";

const PRODUCTS: readonly (Pick<OrderItem, "sku" | "unitPriceCents"> & { readonly name: string })[] = [
  { sku: "KETTLE-1", name: "Kettle", unitPriceCents: 4900 },
  { sku: "MUG-2", name: "Mug", unitPriceCents: 1200 },
  { sku: "TEA-7", name: "Tea, 250 g", unitPriceCents: 850 },
];
const MOST_ITEMS = 5;

/** Sets the form up. @param placed is called with every run that was started */
export function setUpOrderForm(client: ProgressClient, placed: (run: RunDescription) => void): void {
  const list = byId("items", HTMLUListElement);
  const add = byId("add-item", HTMLButtonElement);
  const failure = byId("order-error", HTMLElement);
  const place = byId("place", HTMLButtonElement);
  // One key per order: pressing twice, or again after an error, cannot order twice.
  let key = makeKey();

  const update = (): void => {
    add.hidden = list.childElementCount >= MOST_ITEMS;
    for (const button of list.querySelectorAll("button")) button.disabled = list.childElementCount === 1;
  };
  const addItem = (product: number): HTMLSelectElement => {
    const select = make("select", {}, ...PRODUCTS.map(({ name }) => make("option", { textContent: name })));
    const quantity = make("input", { type: "number" });
    Object.assign(quantity, { min: "1", max: "99", value: "1", required: true });
    select.selectedIndex = product % PRODUCTS.length;
    select.setAttribute("aria-label", "Product");
    quantity.setAttribute("aria-label", "Quantity");
    const remove = makeButton("×", "Remove this item", () => {
      row.remove();
      update();
      add.focus();
    });
    const row = make("li", {}, select, quantity, remove);
    list.append(row);
    update();
    return select;
  };
  add.addEventListener("click", () => addItem(list.childElementCount).focus());
  addItem(0);

  const submit = async (): Promise<void> => {
    failure.hidden = true;
    place.disabled = true;
    try {
      placed(await client.start(readOrder(key), { idempotencyKey: key }));
      key = makeKey();
    } catch (error) {
      failure.textContent = describeFailure(error);
      failure.hidden = false;
    } finally {
      place.disabled = false;
    }
  };
  byId("order", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
}

function readOrder(orderId: string): Order {
  const items = [...byId("items", HTMLUListElement).children].map((row): OrderItem => {
    const product = PRODUCTS[row.querySelector("select")?.selectedIndex ?? 0] ?? PRODUCTS[0]!;
    const quantity = Number(row.querySelector("input")?.value);
    return { sku: product.sku, quantity, unitPriceCents: product.unitPriceCents };
  });
  const speed = document.querySelector<HTMLInputElement>("input[name=speed]:checked");
  const failAt = byId("fail-at", HTMLSelectElement).value;
  return {
    orderId,
    items,
    durationMs: Number(speed?.value ?? 0),
    ...(failAt && { failAt: failAt as OrderStep }),
  };
}

function describeFailure(error: unknown): string {
  if (error instanceof ProgressError && error.code === "TooManyRequests") {
    return "Too many orders within a minute. Wait a little and press again.";
  }
  return error instanceof Error ? error.message : String(error);
}

function makeKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16).padStart(8, "0")).join("");
}
