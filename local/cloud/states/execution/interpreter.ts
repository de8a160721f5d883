// Runs states one after the other, with retries and catchers. What a state does is in `states.ts`, `task.ts` and `nested.ts`.
import { Cancelled, pause } from "./cancellation";
import { note, type Frame, type Step, type Visit } from "./frame";
import { attempt, exit } from "./states";
import { evaluateField, fillTemplate, measured, placeResult, type StateData } from "../language/data-flow";
import { locate, StatesError, takes } from "../language/errors";
import type { Json, JsonRecord, Retrier, State } from "../language/types";

/** Runs a sequence to its end. @throws StatesError, or Cancelled when the signal aborts. */
export async function runSequence(frame: Frame, input: Json): Promise<Json> {
  const { checkpoint } = frame;
  if (checkpoint.finished !== undefined) return checkpoint.finished;
  const resumed = checkpoint.current;
  if (resumed) frame.variables = resumed.variables;
  let data = resumed?.input ?? input;
  let text = JSON.stringify(data);
  let name: string | undefined = resumed?.state ?? frame.definition.StartAt;
  while (name !== undefined) {
    checkpoint.enter(name, data, frame.variables);
    const step: Step = await visit(frame, name, data, text);
    checkpoint.forgetParts();
    data = step.output;
    text = step.text;
    name = step.next;
  }
  checkpoint.finish(data);
  return data;
}

/** Runs one state with its retries and catchers. */
async function visit(frame: Frame, name: string, input: Json, inputText: string): Promise<Step> {
  const state = frame.definition.States[name];
  if (!state) throw new StatesError("States.Runtime", `There is no state ${name}`);
  const enteredAt = frame.run.ports.clock.now();
  frame.current = state.Type;
  note(frame, `${state.Type}StateEntered`, "stateEnteredEventDetails", { name, input: inputText });
  const enteredId = frame.previous;
  const used = new Map<Retrier, number>();
  for (let retryCount = 0; ; retryCount++) {
    const here: Visit = { frame, name, state, data: dataOf(frame, state, name, input, enteredAt, retryCount) };
    try {
      return await attempt(here);
    } catch (thrown) {
      if (!(thrown instanceof StatesError)) throw thrown;
      const error = locate(thrown, name, enteredId);
      // What happened within a branch or an iteration has been noted there.
      if (error !== thrown) noteEvaluation(here, error);
      if (await retried(here, error, used)) continue;
      const caught = await catchError(here, error).catch((failure: unknown) => {
        if (!(failure instanceof StatesError)) throw failure;
        const located = locate(failure, name, enteredId);
        noteEvaluation(here, located);
        throw located;
      });
      if (caught) return caught;
      throw error;
    }
  }
}

function dataOf(
  frame: Frame,
  state: State,
  name: string,
  input: Json,
  enteredAt: number,
  retryCount: number,
): StateData {
  const { facts, ports } = frame.run;
  // Each attempt has a token of its own.
  const task = state.Resource?.endsWith(".waitForTaskToken") ? { Task: { Token: ports.newToken() } } : {};
  const context: JsonRecord = {
    Execution: facts.execution,
    StateMachine: facts.stateMachine,
    State: { EnteredTime: new Date(enteredAt).toISOString(), Name: name, RetryCount: retryCount },
    ...frame.context,
    ...task,
  };
  return {
    input,
    context,
    variables: frame.variables,
    randomness: ports.randomness,
    now: ports.clock.now(),
    language: state.QueryLanguage ?? frame.language,
  };
}

function noteEvaluation({ frame, name }: Visit, { error, reason, location }: StatesError): void {
  if (error !== "States.QueryEvaluationError") return;
  note(frame, "EvaluationFailed", "evaluationFailedEventDetails", {
    error,
    cause: reason,
    ...(location === undefined ? {} : { location }),
    state: name,
  });
}

/** Waits and tells to try again, where a retrier takes the error and has attempts left. */
async function retried({ frame, state }: Visit, error: StatesError, used: Map<Retrier, number>): Promise<boolean> {
  const retrier = state.Retry?.find(({ ErrorEquals }) => takesIn(state, ErrorEquals, error));
  if (!retrier) return false;
  const attempts = used.get(retrier) ?? 0;
  if (attempts >= (retrier.MaxAttempts ?? 3)) return false;
  used.set(retrier, attempts + 1);
  const { clock, randomness } = frame.run.ports;
  const { IntervalSeconds = 1, BackoffRate = 2, MaxDelaySeconds = Infinity, JitterStrategy = "NONE" } = retrier;
  const delay = Math.min(IntervalSeconds * BackoffRate ** attempts, MaxDelaySeconds) * 1000;
  await pause(clock, JitterStrategy === "FULL" ? delay * randomness.random() : delay, frame.signal);
  frame.checkpoint.forgetParts();
  return true;
}

/** A failed branch also answers to States.BranchFailed. */
function takesIn(state: State, errorEquals: readonly string[], { error }: StatesError): boolean {
  if (takes(errorEquals, error)) return true;
  return state.Type === "Parallel" && errorEquals.includes("States.BranchFailed") && takes(["States.ALL"], error);
}

async function catchError(here: Visit, error: StatesError): Promise<Step | undefined> {
  const { frame, name, state, data } = here;
  if (frame.signal.aborted) throw new Cancelled();
  const catcher = state.Catch?.find(({ ErrorEquals }) => takesIn(state, ErrorEquals, error));
  if (!catcher) return undefined;
  const errorOutput = { Error: error.error, Cause: error.reason };
  let output: Json;
  let assigned: JsonRecord = {};
  if (data.language === "JSONata") {
    output =
      catcher.Output === undefined
        ? errorOutput
        : await evaluateField(catcher.Output, data, "Catch/Output", { errorOutput });
    if (catcher.Assign) {
      assigned = (await evaluateField(catcher.Assign, data, "Catch/Assign", { errorOutput })) as JsonRecord;
    }
  } else {
    output = placeResult(catcher.ResultPath, data.input, errorOutput);
    if (catcher.Assign) assigned = fillTemplate(catcher.Assign, { ...data, input: errorOutput }) as JsonRecord;
  }
  return exit(here, output, measured(output, name), assigned, catcher.Next);
}
