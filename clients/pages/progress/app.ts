// The progress page: sign in, place orders, watch them go. What it shows comes from the server, so that every tab shows the same.

import type { RunDescription } from "../../../handlers/progress/contract";
import { type ConnectionStatus, createProgressClient, type ProgressClient } from "../../progress";
import { createBrowserProgressEnvironment } from "../../progress/browser";
import type { Session, SessionConfiguration } from "../../session";
import { announce, byId, makeButton } from "../shared/dom";
import { complain, loadConfiguration, openSession } from "../shared/page";
import { setUpOrderForm } from "./order-form";
import { RunCard } from "./run-card";
import { describeConnection } from "./text";

/** `config.json` beside the page, written by the stack. */
interface PageConfiguration {
  readonly progress: { readonly ticketUrl: string };
  readonly session: SessionConfiguration;
}

/** Most orders on the page; the server lists no more. */
const MOST_RUNS = 20;
/** Orders of other tabs and devices turn up after so long, or when the page is looked at again. */
const REFRESH_MS = 15_000;
const TICK_MS = 1000;

async function start(): Promise<void> {
  const { progress, session: signIn } = await loadConfiguration<PageConfiguration>();
  const session = await openSession(signIn);
  if (!session.user) return;
  const client = createProgressClient({
    ticketUrl: progress.ticketUrl,
    token: (renew) => session.idToken(renew),
    environment: createBrowserProgressEnvironment(),
  });
  const runs = new Runs(client);
  showConnection(client, session, () => void runs.refresh());
  setUpOrderForm(client, (run) => runs.add([run]));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") void runs.refresh();
  });
  setInterval(() => {
    if (document.visibilityState === "visible") void runs.refresh();
  }, REFRESH_MS);
  setInterval(() => runs.tick(), TICK_MS);
  await runs.refresh();
}

/** All cards, the newest first. */
class Runs {
  readonly #cards = new Map<string, RunCard>();
  readonly #list = byId("runs", HTMLUListElement);
  #refreshing = false;

  constructor(private readonly client: ProgressClient) {}

  add(runs: readonly RunDescription[]): void {
    for (const { executionId, startedAt } of runs) {
      if (this.#cards.has(executionId)) continue;
      const card = new RunCard(this.client, executionId, startedAt);
      const older = [...this.#cards.values()].filter((other) => other.startedAt <= startedAt);
      const next = older.sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1))[0];
      this.#list.insertBefore(card.element, next?.element ?? null);
      this.#cards.set(executionId, card);
    }
    this.#trim();
    const empty = byId("runs-empty", HTMLElement);
    empty.textContent = "Nothing ordered yet.";
    empty.hidden = this.#cards.size > 0;
  }

  tick(): void {
    for (const card of this.#cards.values()) card.tick();
  }

  async refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      this.add(await this.client.list());
    } catch (error) {
      // The banner tells about the connection.
      if (this.client.status.state !== "stopped") complain(error);
    } finally {
      this.#refreshing = false;
    }
  }

  #trim(): void {
    const byAge = [...this.#cards.values()].sort((one, other) => (one.startedAt < other.startedAt ? 1 : -1));
    for (const card of byAge.slice(MOST_RUNS)) {
      card.remove();
      this.#cards.delete(card.executionId);
    }
  }
}

function showConnection(client: ProgressClient, session: Session, online: () => void): void {
  const banner = byId("connection", HTMLElement);
  const show = (status: ConnectionStatus): void => {
    const wasBroken = banner.childNodes.length > 0;
    const text = describeConnection(status);
    banner.classList.toggle("broken", status.state === "stopped");
    banner.replaceChildren(...(text ? [text] : []));
    if (status.error?.code === "SignInNeeded") {
      const again = makeButton("Sign in", "Sign in again", () => void session.signIn().catch(complain));
      again.className = "primary small";
      banner.append(again);
    }
    if (status.state !== "online") return;
    if (wasBroken) announce("Connected again.");
    if (wasBroken) online();
  };
  client.onStatus(show);
  show(client.status);
}

start().catch(complain);
