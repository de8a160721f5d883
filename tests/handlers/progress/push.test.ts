// Proves the fan-out: bounded, in time, and careful about which connections it removes.
import assert from "node:assert/strict";
import { Log } from "../../../handlers/shared/log";
import {
  PARALLEL_POSTS,
  PUSH_BUDGET_MS,
  pushToSubscribers,
  type PushDependencies,
} from "../../../handlers/progress/push";

interface TestPush extends PushDependencies {
  readonly forgotten: string[];
  readonly lines: string[];
}

function createPush(count: number, post: PushDependencies["post"], now: () => number = () => 0): TestPush {
  const [forgotten, lines]: [string[], string[]] = [[], []];
  return {
    forgotten,
    lines,
    post,
    now,
    log: new Log({}, (line) => lines.push(line)),
    connections: {
      subscribers: async function* () {
        for (let index = 0; index < count; index++) yield `c${index}`;
      },
      forget: async (connectionId) => void forgotten.push(connectionId),
    },
  };
}

describe("Pushing an event", () => {
  it(`reaches 1,000 viewers with at most ${PARALLEL_POSTS} posts at a time`, async () => {
    let [running, most] = [0, 0];
    const reached = new Set<string>();
    const push = createPush(1000, async (connectionId) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      reached.add(connectionId);
      return "sent";
    });

    const result = await pushToSubscribers(push, "run", "{}");

    assert.deepEqual(result, { sent: 1000, gone: 0, failed: 0 });
    assert.equal(reached.size, 1000);
    assert.equal(most, PARALLEL_POSTS);
    assert.deepEqual(push.lines, []);
  });

  it("W8: removes a connection that is gone, counts it as no failure, and removes no other", async () => {
    const push = createPush(3, async (connectionId) => {
      if (connectionId === "c1") throw new Error("throttled");
      return connectionId === "c0" ? "gone" : "sent";
    });

    assert.deepEqual(await pushToSubscribers(push, "run", "{}"), { sent: 1, gone: 1, failed: 1 });
    assert.deepEqual(push.forgotten, ["c0"]);
  });

  it("writes one line about all failures, and never fails itself", async () => {
    const push = createPush(100, async () => {
      throw new Error("throttled");
    });

    assert.equal((await pushToSubscribers(push, "run", "{}")).failed, 100);
    assert.equal(push.lines.length, 1);
    assert.match(push.lines[0]!, /"failed":100.*throttled/);
  });

  it("gives up on posts for which no time is left", async () => {
    let time = 0;
    const push = createPush(
      1000,
      async () => {
        time += PUSH_BUDGET_MS / 100;
        return "sent";
      },
      () => time,
    );

    const { sent, failed } = await pushToSubscribers(push, "run", "{}");

    assert.ok(sent <= 101 + PARALLEL_POSTS && sent + failed === 1000, `${sent} sent`);
  });

  it("survives a table that does not answer", async () => {
    const push = createPush(0, async () => "sent");
    const subscribers = async function* (): AsyncGenerator<string> {
      yield await Promise.reject(new Error("no table"));
    };

    const result = await pushToSubscribers({ ...push, connections: { ...push.connections, subscribers } }, "run", "{}");

    assert.deepEqual(result, { sent: 0, gone: 0, failed: 0 });
    assert.match(push.lines[0]!, /no table/);
  });
});
