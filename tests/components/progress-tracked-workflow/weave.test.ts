// Proves what weaving adds to a workflow, and what it leaves alone: report states, names, shares, items of Maps, details. Runs on the
// interpreter of the local run with tasks that tests write; nothing is deployed.
import assert from "node:assert/strict";
import { trackProgress } from "../../../components";
import { weaveProgress, type WovenWorkflow } from "../../../components/progress-tracked-workflow/weave/weave";
import { apportion, deriveWeight } from "../../../components/progress-tracked-workflow/weave/weights";
import { MAXIMUM_DETAIL_BYTES, PROGRESS_PROTOCOL_VERSION, WHOLE } from "../../../handlers/progress/contract";
import { BusyRunError } from "../../../handlers/progress/errors";
import { AwsCallError } from "../../../handlers/shared/errors";
import { evaluateExpressions } from "../../../local/cloud/states/language/expressions";
import type { Json, JsonRecord, StatesDefinition } from "../../../local/cloud/states/language/types";
import { findingsOf } from "../../../local/cloud/states/language/validate";
import { fail, runStates, type TestTask } from "../../support/states-run";
import { DELIVERIES, resourceOf, withoutMarks } from "../../support/workflow-definitions";

type Transport = keyof typeof DELIVERIES;
const TRANSPORTS = Object.keys(DELIVERIES) as Transport[];
const work = { Type: "Task", Resource: resourceOf("lambda:invoke") };

/** The states of a definition and everything within. */
function allStates(definition: object): Record<string, Record<string, unknown>> {
  const found: Record<string, Record<string, unknown>> = {};
  const visit = (value: unknown): void => {
    if (value === null || typeof value !== "object") return;
    const { States } = value as { States?: Record<string, Record<string, unknown>> };
    Object.assign(found, States);
    for (const item of Object.values(value)) visit(item);
  };
  visit(definition);
  return found;
}

const ORDERS = {
  Comment: "orders",
  StartAt: "Inventory",
  States: {
    Inventory: trackProgress(
      {
        Type: "Map",
        ItemsPath: "$.items",
        ItemProcessor: { StartAt: "Reserve", States: { Reserve: { ...work, End: true } } },
        ResultPath: null,
        Next: "Settle",
      },
      { label: "Inventory", weight: 1, maximumItemReports: 3 },
    ),
    Settle: trackProgress(
      {
        Type: "Parallel",
        Branches: [
          { StartAt: "Pay", States: { Pay: trackProgress({ ...work, End: true }, { label: "Payment", weight: 1 }) } },
          { StartAt: "Pause", States: { Pause: { Type: "Wait", Seconds: 1, End: true } } },
        ],
        ResultPath: null,
        Catch: [{ ErrorEquals: ["States.ALL"], Next: "Label" }],
        Next: "Label",
      },
      { label: "Settled", weight: 1 },
    ),
    Label: trackProgress(
      { Type: "Pass", Next: "Done" },
      { label: "Label", weight: 1, detail: "{% $count($states.input.items) %}" },
    ),
    Done: { Type: "Succeed" },
  },
};

interface Reported {
  readonly name: string;
  readonly input: JsonRecord;
}

/** Runs a woven workflow; what was reported, in order. */
async function report(
  woven: WovenWorkflow,
  input: Json,
  answer: (stateName: string, input: JsonRecord) => Json | Promise<Json> = () => ({}),
): Promise<{ readonly output: Json | undefined; readonly reported: readonly Reported[] }> {
  const reported: Reported[] = [];
  const tasks = new Proxy(
    {},
    {
      get: (_target, name): TestTask => {
        if (!woven.added.includes(String(name))) return (given) => given;
        return (given) => {
          reported.push({ name: String(name), input: given as JsonRecord });
          return answer(String(name), given as JsonRecord);
        };
      },
    },
  );
  const output = await runStates(woven.definition as unknown as StatesDefinition, input, tasks);
  return { output, reported };
}
const payloads = (reported: readonly Reported[]): JsonRecord[] =>
  reported.map(({ input }) => input.Payload as JsonRecord);

/** What the expressions of a field give. */
async function evaluate(field: Json, states: JsonRecord, variables = new Map<string, Json>()): Promise<Json> {
  const randomness = { uuid: () => "", random: () => 0 };
  return await evaluateExpressions(field, { states, variables, now: 0 }, randomness, "field");
}

/** Seconds that a task may take in all: every attempt to its limit, and the waits between them. */
function longestSeconds({ TimeoutSeconds, Retry }: Record<string, unknown>): number {
  const [{ MaxAttempts, IntervalSeconds, BackoffRate, MaxDelaySeconds } = {}, ...more] = Retry as Record<
    string,
    number
  >[];
  assert.equal(more.length, 0);
  let seconds = Number(TimeoutSeconds);
  for (let retry = 0; retry < Number(MaxAttempts); retry++) {
    const wait = Math.min(Number(IntervalSeconds) * Number(BackoffRate) ** retry, Number(MaxDelaySeconds));
    seconds += wait + Number(TimeoutSeconds);
  }
  return seconds;
}

describe("weaveProgress", function () {
  this.timeout(20_000);

  for (const transport of TRANSPORTS) {
    const woven = weaveProgress(ORDERS, DELIVERIES[transport]);

    it(`W20: a definition woven for "${transport}" is valid, and each name is new and at most 80 characters`, () => {
      assert.deepEqual(findingsOf(JSON.stringify(woven.definition)), []);
      const states = allStates(woven.definition);
      for (const name of woven.added) assert.ok(name.length <= 80 && name in states, name);
      assert.equal(new Set(woven.added).size, woven.added.length);
    });

    it(`W1: every report of "${transport}" goes on whatever happens, keeps its input and retries what passes`, () => {
      const states = allStates(woven.definition);
      const reports = woven.added.filter((name) => /\(((item )?progress|progress, no detail)\)$/.test(name));
      assert.equal(reports.length, 6);
      for (const name of reports) {
        const state = states[name] ?? assert.fail(name);
        const last = (state.Catch as JsonRecord[]).at(-1);
        const undelivered = states[String(last?.Next)] ?? assert.fail(name);
        assert.deepEqual(
          { ...last, Next: "" },
          { ErrorEquals: ["States.ALL"], Output: "{% $states.input %}", Next: "" },
        );
        assert.equal(undelivered.Resource, "arn:aws:states:::sqs:sendMessage");
        assert.equal(undelivered.Output, "{% $states.input %}");
        assert.equal(undelivered.Next, state.Next);
        assert.equal(undelivered.TimeoutSeconds, 5);
        assert.deepEqual(undelivered.Catch, [{ ...last, Next: state.Next }]);
        assert.equal(state.Output, "{% $states.input %}");
        assert.equal(state.QueryLanguage, "JSONata");
        const tasks =
          transport === "direct" ? Object.values(allStates(state)).filter(({ Type }) => Type === "Task") : [state];
        assert.ok(tasks.length >= 1);
        for (const task of tasks) {
          assert.equal(task.TimeoutSeconds, transport === "direct" ? 2 : 10);
          for (const retrier of task.Retry as JsonRecord[]) {
            assert.equal(retrier.MaxAttempts, 2);
            assert.ok(!(retrier.ErrorEquals as string[]).some((error) => error.startsWith("States.")), name);
          }
        }
      }
    });

    it(`W1: a run with "${transport}" succeeds when every report fails, and when every report hangs`, async () => {
      const input = { items: [1, 2] };
      for (const answer of [() => fail("ApiGateway.410"), () => new Promise<never>(() => undefined)]) {
        assert.deepEqual((await report(woven, input, answer)).output, input);
      }
    });

    it(`W31: "${transport}" leaves the caller's states as they are, but for where they go on to`, () => {
      const states = allStates(woven.definition);
      for (const [name, own] of Object.entries(allStates(ORDERS))) {
        const { Next, End, Branches, ItemProcessor, ItemSelector, ...rest } = states[name] ?? assert.fail(name);
        const { Next: ownNext, End: ownEnd, Branches: _b, ItemProcessor: _i, Progress, ...ownRest } = own;
        assert.deepEqual(rest, ownRest, name);
        // Only a Map that counts its items makes their input in another way.
        assert.equal(ItemSelector === undefined, name !== "Inventory", name);
        if (Progress === undefined && name !== "Reserve") assert.deepEqual([Next, End], [ownNext, ownEnd], name);
        assert.equal(Branches === undefined, _b === undefined);
        assert.equal(ItemProcessor === undefined, _i === undefined);
      }
    });
  }

  for (const transport of TRANSPORTS) {
    it(`W19: a report by "${transport}" that fails in the end goes to the dead-letter queue, and no detail with it`, async () => {
      const definition = {
        StartAt: "A",
        States: { A: trackProgress({ Type: "Pass", End: true }, { label: "First", detail: "{% 'secret' %}" }) },
      };
      const { reported, output } = await report(weaveProgress(definition, DELIVERIES[transport]), "in", (name) =>
        name.includes("undelivered") ? {} : fail("Lambda.Unknown"),
      );

      assert.equal(output, "in");
      const lost = reported.filter(({ name }) => name.includes("undelivered"));
      assert.deepEqual(
        lost.map(({ input }) => input),
        [
          {
            QueueUrl: DELIVERIES[transport].deadLetterQueueUrl,
            MessageBody: {
              executionId: "run",
              at: String((lost[0]?.input.MessageBody as JsonRecord).at),
              kind: "step",
              step: "A",
              key: "A",
              share: WHOLE,
              label: "First",
              stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:machine",
            },
          },
        ],
      );
    });
  }

  it("a repeated report of the direct transport is known, and nothing is stored, posted or left as undelivered", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const { reported, output } = await report(weaveProgress(definition, DELIVERIES.direct), "in", (name) =>
      name.includes("(count") ? fail("DynamoDB.ConditionalCheckFailedException") : {},
    );

    assert.equal(output, "in");
    assert.deepEqual(
      reported.map(({ name }) => name),
      ["A (progress) (count)"],
    );
  });

  it("W31: the business states are the same bytes whatever the transport", () => {
    const business = (transport: Transport): string => {
      const { definition, added } = weaveProgress(ORDERS, DELIVERIES[transport]);
      const own = (value: unknown): unknown => {
        if (Array.isArray(value)) return value.map(own);
        if (value === null || typeof value !== "object") return value;
        return Object.fromEntries(
          Object.entries(value)
            .filter(([name]) => !added.includes(name))
            .map(([name, item]) => [name, own(item)]),
        );
      };
      return JSON.stringify(own(definition));
    };

    assert.equal(business("direct"), business("function"));
    assert.equal(business("eventbridge"), business("function"));
  });

  it("W21: one call marks any state, and its input and output stay the same", async () => {
    const states = [
      { Type: "Task", Resource: resourceOf("lambda:invoke"), ResultPath: "$.result" },
      { Type: "Map", ItemProcessor: { StartAt: "B", States: { B: { Type: "Pass", End: true } } }, ItemsPath: "$.list" },
      { Type: "Parallel", Branches: [{ StartAt: "B", States: { B: { Type: "Pass", Result: 1, End: true } } }] },
      { Type: "Wait", Seconds: 1 },
      { Type: "Pass", Parameters: { "copy.$": "$.list" } },
    ];
    for (const state of states) {
      const definition = { StartAt: "A", States: { A: trackProgress({ ...state, End: true }) } };
      const plain = await runStates(
        withoutMarks(definition) as unknown as StatesDefinition,
        { list: [1] },
        { A: (given) => given },
      );

      const { output, reported } = await report(weaveProgress(definition, DELIVERIES.function), { list: [1] });

      assert.deepEqual(output, plain, state.Type);
      assert.equal(reported.length, 1, state.Type);
    }
  });

  it("W10: the shares of Map, items, Parallel and branches add up to the whole, each step once", async () => {
    const woven = weaveProgress(ORDERS, DELIVERIES.function);

    const { reported } = await report(woven, { items: [1, 2, 3, 4, 5, 6, 7] });

    const sent = payloads(reported);
    assert.equal(
      sent.reduce((sum, { share }) => sum + Number(share), 0),
      WHOLE,
    );
    assert.deepEqual(
      sent.map(({ kind, step, key, share }) => [kind, step, key, share]),
      [
        ["item", "Inventory", "Inventory#2", 75_000],
        ["item", "Inventory", "Inventory#4", 75_000],
        ["item", "Inventory", "Inventory#6", 75_000],
        ["step", "Inventory", "Inventory", 25_000],
        ["step", "Pay", "Pay", 250_000],
        ["step", "Settle", "Settle", 250_000],
        ["step", "Label", "Label", 250_000],
      ],
    );
    assert.deepEqual(woven.steps, [
      { step: "Inventory", label: "Inventory", weight: 1 },
      { step: "Settle", label: "Settled", weight: 1 },
      { step: "Pay", label: "Payment", weight: 1 },
      { step: "Label", label: "Label", weight: 1 },
    ]);
  });

  it("W10: a Map without items, or with one, gives its whole share", async () => {
    for (const items of [[], [1]]) {
      const { reported } = await report(weaveProgress(ORDERS, DELIVERIES.function), { items });
      const shares = payloads(reported).filter(({ step }) => step === "Inventory");
      assert.equal(
        shares.reduce((sum, { share }) => sum + Number(share), 0),
        WHOLE / 4,
        JSON.stringify(items),
      );
      assert.equal(shares.length, items.length + 1);
    }
  });

  const counted = {
    QueryLanguage: "JSONata",
    StartAt: "All",
    States: {
      All: trackProgress(
        {
          Type: "Map",
          Items: "{% $states.input %}",
          ItemProcessor: { StartAt: "One", States: { One: { Type: "Pass", Output: 0, End: true } } },
          Output: "done",
          End: true,
        },
        { maximumItemReports: 7 },
      ),
    },
  };
  const spread = (items: number): number[] => [1, 2, 3, 4, 5, 6, 7].map((part) => Math.ceil((part * items) / 7) - 1);

  it("W33: a Map reports exactly the configured number of its items, evenly, the last one included", async () => {
    const { output, reported } = await report(weaveProgress(counted, DELIVERIES.function), Array<number>(1000).fill(0));

    assert.equal(output, "done");
    assert.deepEqual(
      payloads(reported).map(({ key }) => key),
      [...spread(1000).map((index) => `All#${index}`), "All"],
    );
  });

  it("W33: counts the entries of an object, over which a Map runs too", async () => {
    const states = allStates(weaveProgress(counted, DELIVERIES.function).definition);
    const { Output } = states["All (count)"] ?? assert.fail();
    const count = (input: Json): Promise<Json> => evaluate(Output as Json, { input });

    assert.equal(await count({ a: 1, b: 2, c: 3 }), 3);
    assert.equal(await count([{ a: 1, b: 2 }]), 1);
    assert.equal(await count([]), 0);
  });

  it("W33: of 10,000 items, more than the history of a run can hold, the same few would be picked", async () => {
    const states = allStates(weaveProgress(counted, DELIVERIES.function).definition);
    const [rule] = states["All (item)"]?.Choices as readonly { readonly Condition: string }[];
    const picked: number[] = [];
    for (let index = 0; index < 10_000; index++) {
      const variables = new Map<string, Json>([
        ["progressItems1", 10_000],
        ["progressIndex1", index],
      ]);
      if ((await evaluate(rule?.Condition ?? "", {}, variables)) === true) picked.push(index);
    }

    assert.deepEqual(picked, spread(10_000));
  });

  it("W33: no state within a Map reads its item from the context, where AWS has it only while an item's input is made", () => {
    const JSONata = { ...counted, States: { All: { ...counted.States.All, ItemSelector: { a: 1 } } } };
    for (const transport of TRANSPORTS) {
      for (const definition of [ORDERS, counted, JSONata]) {
        const states = allStates(weaveProgress(definition, DELIVERIES[transport]).definition);
        const [, map] = Object.entries(states).find(([name]) => ["Inventory", "All"].includes(name)) ?? assert.fail();
        const own = Object.entries(allStates(map.ItemProcessor as object)).filter(([name]) => !name.includes("(push"));
        assert.ok(JSON.stringify(map.ItemSelector).includes(".Map.Item"));
        for (const [name, state] of own) {
          // A Map of ours, over viewers, has items of its own.
          const { ItemSelector: _, Branches: __, ...rest } = state;
          assert.ok(!JSON.stringify(rest).includes("Map.Item"), name);
        }
      }
    }
  });

  const VALUES: readonly Json[] = [
    null,
    true,
    0,
    "",
    "{% no %}",
    [],
    [1],
    [[1]],
    {},
    { a: [] },
    { Key: 1, Value: [2] },
  ];
  const SELECTORS: Readonly<Record<string, readonly object[]>> = {
    JSONPath: [
      {},
      {
        ItemSelector: {
          "value.$": "$$.Map.Item.Value",
          "at.$": "$$.Map.Item.Index",
          "all.$": "$.list",
          fixed: { a: [] },
        },
      },
      { Parameters: { "item.$": "$$.Map.Item", input: 1 } },
      { ItemSelector: {} },
    ],
    JSONata: [
      {},
      {
        ItemSelector: {
          value: "{% $states.context.Map.Item.Value %}",
          all: "{% $states.input.list %}",
          fixed: { a: [] },
        },
      },
      { ItemSelector: "{% $states.context.Map.Item.Value %}" },
      { ItemSelector: { list: ["{% $states.context.Map.Item.Index %}"], text: "plain" } },
      { ItemSelector: { item: "{% $error('no') %}" } },
    ],
  };
  for (const QueryLanguage of ["JSONPath", "JSONata"] as const) {
    it(`W30: the items of a counted Map are what they are without reports, however they are made (${QueryLanguage})`, async () => {
      for (const selector of SELECTORS[QueryLanguage] ?? []) {
        const one = {
          StartAt: "One",
          States: { One: { Type: "Pass", Next: "Two" }, Two: { Type: "Wait", Seconds: 0, End: true } },
        };
        const definition = {
          QueryLanguage,
          StartAt: "All",
          States: {
            All: trackProgress(
              {
                Type: "Map",
                ...(QueryLanguage === "JSONPath" ? { ItemsPath: "$.list" } : { Items: "{% $states.input.list %}" }),
                ...selector,
                ["Parameters" in selector ? "Iterator" : "ItemProcessor"]: one,
                Catch: [{ ErrorEquals: ["States.QueryEvaluationError"], Next: "Failed" }],
                End: true,
              },
              { maximumItemReports: 4 },
            ),
            Failed: { Type: "Fail", Error: "Caught" },
          },
        };
        const input = { list: [...VALUES] };
        const outcome = async (run: () => Promise<Json | undefined>): Promise<Json | undefined> =>
          run().catch((error: unknown) => (error as { readonly code?: string }).code ?? String(error));
        const plain = await outcome(() => runStates(withoutMarks(definition) as unknown as StatesDefinition, input));
        let keys: readonly unknown[] = [];
        const woven = await outcome(async () => {
          const { output, reported } = await report(weaveProgress(definition, DELIVERIES.function), input);
          keys = payloads(reported).map(({ key }) => key);
          return output;
        });

        assert.deepEqual(woven, plain, JSON.stringify(selector));
        if (Array.isArray(plain)) assert.deepEqual(keys, ["All#2", "All#5", "All#8", "All#10", "All"]);
        else assert.ok(JSON.stringify(selector).includes("$error"), String(plain));
      }
    });
  }

  it("W30: an entry of an object reaches its processor as key and value", async () => {
    const states = allStates(weaveProgress(counted, DELIVERIES.function).definition);
    const { Output, Assign } = states["All (item start)"] ?? assert.fail();
    const item = { Index: 3, Key: "a", Value: [1] };

    assert.deepEqual(await evaluate(Output as Json, { input: { item } }), { Key: "a", Value: [1] });
    assert.deepEqual(await evaluate(Assign as Json, { input: { item } }), { progressIndex1: 3 });
  });

  it("W1: a report is sent again after what its function fails on for a moment, and nobody hears of it twice", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const woven = weaveProgress(definition, DELIVERIES.function);
    for (const error of [new AwsCallError("ThrottlingException", 400, ""), new BusyRunError("run")]) {
      let calls = 0;
      const { reported } = await report(woven, "in", () => (++calls < 3 ? fail(error.name) : {}));

      assert.deepEqual(
        reported.map(({ name }) => name),
        ["A (progress)", "A (progress)", "A (progress)"],
        error.name,
      );
      assert.equal(new Set(payloads(reported).map(({ key }) => key)).size, 1);
    }
  });

  it("W1: a report takes at most 10 seconds when AWS hangs, and 33 or 45 when each attempt fails at its last moment", () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const tasks = (transport: Transport): Record<string, unknown>[] =>
      Object.entries(allStates(weaveProgress(definition, DELIVERIES[transport]).definition))
        .filter(([name, { Type }]) => Type === "Task" && !name.includes("undelivered"))
        .map(([, task]) => task);
    const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

    for (const transport of TRANSPORTS) {
      const found = tasks(transport);
      assert.equal(found.length, transport === "direct" ? 5 : 1);
      assert.equal(sum(found.map(({ TimeoutSeconds }) => Number(TimeoutSeconds))), 10, transport);
      assert.equal(sum(found.map(longestSeconds)), transport === "direct" ? 45 : 33, transport);
      for (const { Retry } of found)
        assert.ok(!JSON.stringify(Retry).includes("States.Timeout"), "what hangs is not repeated");
    }
    // The sum holds when all posts are one round: AWS runs at most 40 iterations of an inline Map at once.
    const states = allStates(weaveProgress(definition, DELIVERIES.direct).definition);
    const [, find] = Object.entries(states).find(([name]) => name.includes("(find")) ?? assert.fail();
    const [, push] = Object.entries(states).find(([name]) => name.includes("(push")) ?? assert.fail();
    assert.equal((find.Arguments as JsonRecord).Limit, push.MaxConcurrency);
    assert.ok(Number(push.MaxConcurrency) <= 40);
  });

  it("W5: the direct transport writes times with three digits, whatever AWS gives, since they are compared as texts", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const states = allStates(weaveProgress(definition, DELIVERIES.direct).definition);
    const [, count] = Object.entries(states).find(([name]) => name.includes("(count")) ?? assert.fail();
    const values = (count.Arguments as JsonRecord).ExpressionAttributeValues as JsonRecord;
    for (const [given, expected] of [
      ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"],
      ["2026-01-01T00:00:00.120Z", "2026-01-01T00:00:00.120Z"],
      ["2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123Z"],
      ["2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.123Z"],
    ] as const) {
      const context = { Execution: { StartTime: given, Name: "run", Id: "arn" }, State: { EnteredTime: given } };
      const result = { Attributes: { sequence: { N: "1" }, done: { N: "0" } } };

      assert.deepEqual(await evaluate(values[":at"] ?? null, { context }), { S: expected });
      assert.deepEqual(await evaluate(values[":startedAt"] ?? null, { context }), { S: expected });
      const { event } = (await evaluate(count.Output as Json, { context, result })) as { readonly event: JsonRecord };
      assert.equal(event.at, expected);
    }
  });

  it("W2: the report is the contract's, and the event carries the workflow too", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }, { label: "First" }) } };
    const expected = {
      executionId: "run",
      at: "2026-01-01T00:00:00.000Z",
      kind: "step",
      step: "A",
      key: "A",
      share: WHOLE,
      label: "First",
    };

    const byFunction = await report(weaveProgress(definition, DELIVERIES.function), {});
    const byEvent = await report(weaveProgress(definition, DELIVERIES.eventbridge), {});

    assert.equal(JSON.stringify(byFunction.reported[0]?.input.Payload), JSON.stringify(expected));
    assert.deepEqual(byEvent.reported[0]?.input.Entries, [
      {
        Source: "serverless-patterns.progress",
        DetailType: "Progress Reported",
        Detail: { ...expected, stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:machine" },
      },
    ]);
  });

  it("W2, W5: the direct transport counts, stores the event's text, and only then posts the same event", async () => {
    const definition = {
      StartAt: "A",
      States: { A: trackProgress({ Type: "Pass", End: true }, { label: "First", detail: "{% 'é' %}" }) },
    };
    const { reported } = await report(weaveProgress(definition, DELIVERIES.direct), {}, (name) => {
      if (name.includes("(count")) return { Attributes: { sequence: { N: "12" }, done: { N: "500000" } } };
      if (name.includes("(find")) return { Items: [{ connectionId: { S: "one=" } }] };
      return {};
    });

    const event = {
      version: PROGRESS_PROTOCOL_VERSION,
      type: "progress",
      executionId: "run",
      sequence: 12,
      at: "2026-01-01T00:00:00.000Z",
      kind: "step",
      percent: 49,
      step: "A",
      label: "First",
      detail: "é",
    };
    const [count, store, find, post] = reported.map(({ input }) => input);
    assert.equal(reported.length, 4);
    assert.deepEqual((count?.ExpressionAttributeValues as JsonRecord)[":share"], { N: String(WHOLE) });
    // W9: a run that was started elsewhere must be where the reconciler looks; one that has ended is told of no more.
    assert.match(String(count?.UpdateExpression), /#running = if_not_exists\(#running, :index\)/);
    assert.deepEqual((count?.ExpressionAttributeValues as JsonRecord)[":index"], { S: "1" });
    // W13: what comes from after an end comes from a redrive.
    assert.equal(
      count?.ConditionExpression,
      "NOT contains(#completed, :key) AND (attribute_not_exists(#state) OR #state = :running OR #endedAt < :at)",
    );
    assert.deepEqual((count.ExpressionAttributeValues as JsonRecord)[":at"], { S: event.at });
    assert.equal(find?.ConsistentRead, true);
    assert.deepEqual(store?.Item, {
      pk: { S: "run#run" },
      sk: { S: "event#0000000012" },
      event: { S: JSON.stringify(event) },
      expiresAt: { N: String(Date.UTC(2026, 0, 1) / 1000 + 604_800) },
    });
    assert.deepEqual((find?.ExpressionAttributeValues as JsonRecord)[":run"], { S: "run#run" });
    assert.equal(post?.Path, "/@connections/one=");
    assert.equal(JSON.stringify(post?.RequestBody), JSON.stringify(event));
  });

  it("W1: the direct transport tries again when the status of the run is being written at the same moment", () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }, { label: "First" }) } };
    const states = allStates(weaveProgress(definition, DELIVERIES.direct).definition);
    const [, count] = Object.entries(states).find(([name]) => name.includes("(count")) ?? assert.fail();

    const errors = (count.Retry as JsonRecord[]).flatMap(({ ErrorEquals }) => ErrorEquals as string[]);
    assert.ok(errors.includes("DynamoDB.TransactionConflictException"), errors.join(", "));
  });

  it("W10: the direct transport never tells more than 99 before success, though steps of a loop may add up to more", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const { reported } = await report(weaveProgress(definition, DELIVERIES.direct), {}, (name) =>
      name.includes("(count") ? { Attributes: { sequence: { N: "9" }, done: { N: String(WHOLE * 1.5) } } } : {},
    );

    const { S } = (reported[1]?.input.Item as JsonRecord).event as { readonly S: string };
    assert.equal((JSON.parse(S) as JsonRecord).percent, 99);
  });

  it("W8: 410 removes the subscription, another failure does not, and neither keeps others from the event", async () => {
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }) } };
    const { reported, output } = await report(weaveProgress(definition, DELIVERIES.direct), "in", (name, input) => {
      if (name.includes("(count")) return { Attributes: { sequence: { N: "1" }, done: { N: "1" } } };
      if (name.includes("(find")) return { Items: ["gone", "slow", "fine"].map((id) => ({ connectionId: { S: id } })) };
      if (input.Path === "/@connections/gone") return fail("ApiGateway.410");
      if (input.Path === "/@connections/slow") return fail("ApiGateway.403");
      return {};
    });

    assert.equal(output, "in");
    const removed = reported.filter(({ name }) => name.includes("(forget"));
    assert.deepEqual(
      removed.map(({ input }) => input.Key),
      [{ pk: { S: "run#run" }, sk: { S: "subscriber#gone" } }],
    );
    assert.ok(reported.some(({ input }) => input.Path === "/@connections/fine"));
  });

  it("W1: the direct transport posts to so few viewers that the history of a run never ends it", () => {
    const limitOf = (steps: number): unknown => {
      const names = Array.from({ length: steps }, (_, index) => `S${index}`);
      const States = Object.fromEntries(
        names.map((name, index) => [
          name,
          trackProgress({ Type: "Pass", ...(index + 1 < steps ? { Next: names[index + 1] } : { End: true }) }),
        ]),
      );
      const states = allStates(weaveProgress({ StartAt: "S0", States }, DELIVERIES.direct).definition);
      const [, find] = Object.entries(states).find(([name]) => name.includes("(find")) ?? assert.fail();
      return (find.Arguments as JsonRecord).Limit;
    };

    assert.deepEqual([1, 5, 20, 100].map(limitOf), [40, 40, 30, 3]);
  });

  for (const transport of TRANSPORTS) {
    it(`a detail that fails costs the detail and not the report (${transport})`, async () => {
      const definition = {
        StartAt: "A",
        States: { A: trackProgress({ Type: "Pass", End: true }, { detail: "{% $error('no') %}" }) },
      };
      const { reported, output } = await report(weaveProgress(definition, DELIVERIES[transport]), "in");

      assert.equal(output, "in");
      assert.ok(reported.length > 0);
      for (const { name } of reported) assert.ok(name.startsWith("A (progress, no detail"), name);
      assert.ok(!JSON.stringify(reported).includes('"detail"'));
    });
  }

  it("W14: a detail too large for a message leaves only its size behind", async () => {
    const detail = "{% $states.input %}";
    const definition = { StartAt: "A", States: { A: trackProgress({ Type: "Pass", End: true }, { detail }) } };
    const large = "é".repeat(MAXIMUM_DETAIL_BYTES / 2);
    const huge = "x".repeat(100_000);

    const direct = await report(weaveProgress(definition, DELIVERIES.direct), large, (name) =>
      name.includes("(count") ? { Attributes: { sequence: { N: "1" }, done: { N: "1" } } } : {},
    );
    const byFunction = await report(weaveProgress(definition, DELIVERIES.function), huge);

    const stored = JSON.parse(
      String(((direct.reported[1]?.input.Item as JsonRecord).event as JsonRecord).S),
    ) as JsonRecord;
    assert.equal(stored.detailBytes, Buffer.byteLength(JSON.stringify(large)));
    assert.equal("detail" in stored, false);
    const [payload] = payloads(byFunction.reported);
    assert.equal(payload?.detailBytes, 100_000);
    assert.equal("detail" in (payload ?? {}), false);
  });

  it("W11: states of ours are JSONata within any definition, and read the run from the context", () => {
    for (const transport of TRANSPORTS) {
      const { definition, added } = weaveProgress(ORDERS, DELIVERIES[transport]);
      const states = allStates(definition);
      for (const name of added) assert.equal(states[name]?.QueryLanguage, "JSONata", name);
      assert.ok(JSON.stringify(definition).includes("$states.context.Execution.Name"));
    }
  });

  it("cuts and numbers names that would be too long or taken", () => {
    const long = "a".repeat(80);
    const other = "a".repeat(69);
    const definition = {
      StartAt: long,
      States: {
        [long]: trackProgress({ Type: "Pass", Next: other }),
        [other]: trackProgress({ Type: "Pass", Next: "b" }),
        b: trackProgress({ Type: "Pass", Next: "b (progress)" }),
        "b (progress)": { Type: "Succeed" },
      },
    };
    const { added, definition: woven } = weaveProgress(definition, DELIVERIES.function);

    assert.deepEqual(findingsOf(JSON.stringify(woven)), []);
    assert.deepEqual(
      added.filter((state) => state.includes("(progress")),
      [`${"a".repeat(69)} (progress)`, `${"a".repeat(67)} (progress 2)`, "b (progress 2)"],
    );
  });

  it("uses variables that the caller has not", () => {
    const definition = {
      StartAt: "A",
      States: {
        A: { Type: "Pass", Assign: { progressItems1: 1, progressIndex2: 1 }, Next: "M" },
        M: trackProgress(
          { Type: "Map", ItemProcessor: { StartAt: "B", States: { B: { Type: "Pass", End: true } } }, End: true },
          { maximumItemReports: 1 },
        ),
      },
    };

    const text = JSON.stringify(weaveProgress(definition, DELIVERIES.function).definition);
    assert.deepEqual(findingsOf(text), []);
    assert.ok(text.includes('"progressItems3"') && text.includes('"progressIndex3"'));
  });

  it("does not touch the definition that it is given", () => {
    const before = JSON.stringify(ORDERS);
    weaveProgress(ORDERS, DELIVERIES.direct);

    assert.equal(JSON.stringify(ORDERS), before);
  });

  it("rejects a definition with wrong marks, naming every one", () => {
    const definition = {
      StartAt: "A",
      States: { A: { Type: "Choice", Progress: {} }, B: { Type: "Pass", Progress: { Weight: -1 } } },
    };

    assert.throws(
      () => weaveProgress(definition, DELIVERIES.function),
      /A: a state of type Choice.+\nB: Progress\.Weight/,
    );
  });
});

describe("weights", () => {
  it("W26: derive from what a state does when the mark names none", () => {
    const sequence = (States: object): object => ({ StartAt: "A", States });
    const task = { Type: "Task", Resource: "arn" };

    assert.equal(deriveWeight(task), 10);
    assert.equal(deriveWeight({ ...task, Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken" }), 30);
    assert.equal(deriveWeight({ Type: "Pass" }), 1);
    assert.equal(deriveWeight({ Type: "Wait", Seconds: 25 }), 25);
    assert.equal(deriveWeight({ Type: "Wait", Seconds: 4000 }), 100);
    assert.equal(deriveWeight({ Type: "Wait", SecondsPath: "$.s" }), 10);
    assert.equal(
      deriveWeight({ Type: "Parallel", Branches: [sequence({ A: task }), sequence({ A: task, B: task })] }),
      20,
    );
    assert.equal(deriveWeight({ Type: "Map", ItemProcessor: sequence({ A: task, B: { Type: "Pass" } }) }), 22);
  });

  it("W26: a step within a step is not counted twice", () => {
    const Branches = [{ StartAt: "A", States: { A: trackProgress({ Type: "Task", Resource: "arn" }) } }];

    assert.equal(deriveWeight({ Type: "Parallel", Branches }), 1);
  });

  it("W10: shares add up to exactly the whole, the largest remainders first", () => {
    assert.deepEqual(apportion([1, 1, 1]), [333_334, 333_333, 333_333]);
    assert.deepEqual(apportion([2, 1, 1]), [500_000, 250_000, 250_000]);
    for (const weights of [[1], [0.1, 0.2, 0.3], [7, 11, 13, 17, 19], Array<number>(300).fill(3)]) {
      assert.equal(
        apportion(weights).reduce((sum, share) => sum + share, 0),
        WHOLE,
      );
    }
  });
});
