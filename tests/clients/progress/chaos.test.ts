// Proves that whatever happens to connections and pushes, every viewer ends with the complete log, each event once and in order. The scripts
// are random; the time is virtual.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createProgressClient } from "../../../clients/progress";
import type { ProgressEvent } from "../../../handlers/progress/contract";
import { VirtualClock } from "../../../local/cloud/core/clock";
import { createFakeNetwork } from "../../support/progress-fake";

type Step =
  /** Events; each is pushed after these delays, once per delay, so none is lost, two are duplicates, unequal ones change the order. */
  | { readonly do: "events"; readonly delays: readonly (readonly number[])[] }
  /** The server closes all connections. */
  | { readonly do: "drop" }
  /** All connections are dead without saying so. */
  | { readonly do: "die" }
  /** The network is away for a while. */
  | { readonly do: "away"; readonly milliseconds: number }
  /** A number is given out in vain. */
  | { readonly do: "skip" }
  /** A number is given out, and its event is written a moment later. */
  | { readonly do: "lag"; readonly milliseconds: number }
  /** Replies get lost for a while. */
  | { readonly do: "silence"; readonly milliseconds: number }
  | { readonly do: "wait"; readonly milliseconds: number };

const milliseconds = fc.oneof(fc.nat(50), fc.nat(120_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("events" as const),
      delays: fc.array(fc.array(fc.nat(300), { maxLength: 2 }), { minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("drop" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("die" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("skip" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("away" as const, "silence" as const), milliseconds }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("lag" as const), milliseconds: fc.nat(3000) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("wait" as const), milliseconds }) },
  { weight: 1, arbitrary: fc.constant({ do: "wait" as const, milliseconds: 111 * 60_000 }) },
);

describe("Progress client in bad weather", () => {
  it("W6 W27: every viewer gets the complete log, each event exactly once and in order", async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 14 }),
        fc.nat(10),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        async (script, since, page, randoms) => {
          const clock = new VirtualClock();
          const network = createFakeNetwork(clock);
          const { fake } = network;
          fake.page = page;
          fake.addRun("alice", "a");
          const clients = [0, 1].map(() =>
            createProgressClient({
              ticketUrl: "https://tickets.example",
              token: async () => "alice",
              environment: { ...network, clock, random: () => Number(randoms.next().value) },
            }),
          );
          const logs = clients.map((client, index) => {
            const log = { events: [] as ProgressEvent[], ended: false };
            void (async () => {
              for await (const event of client.watch("a", { since: index * since })) log.events.push(event);
              log.ended = true;
            })();
            return log;
          });

          for (const part of script) {
            if (part.do === "events") {
              for (const delays of part.delays) {
                fake.pushes = () => delays;
                fake.emit("a", { kind: "item", step: "Ship", label: "Parcel" });
              }
            } else if (part.do === "drop") for (const connection of fake.connections) connection.close();
            else if (part.do === "die") for (const connection of fake.connections) connection.isDead = true;
            else if (part.do === "skip") fake.skipNumber("a");
            else if (part.do === "lag") {
              const number = fake.find("a").run.sequence + 1;
              fake.unwritten.add(number);
              fake.pushes = () => [part.milliseconds];
              fake.emit("a", { kind: "item", step: "Ship", label: "Late" });
              clock.setTimer(part.milliseconds, () => fake.unwritten.delete(number));
            } else {
              network.up = part.do !== "away";
              fake.replies = () => part.do !== "silence";
              await clock.advance(part.milliseconds);
              network.up = true;
              fake.replies = () => true;
            }
          }
          fake.emit("a", { kind: "succeeded" });
          await clock.advance(10 * 60_000);
          for (const client of clients) client.close();

          const { events } = fake.find("a");
          assert.deepEqual(logs[0]?.events, events);
          assert.deepEqual(
            logs[1]?.events,
            events.filter(({ sequence }) => sequence > since),
          );
          assert.ok(logs.every(({ ended }) => ended));
        },
      ),
      { numRuns: 100 },
    );
  });
});
