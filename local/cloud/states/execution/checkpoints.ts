// Where each part of an execution stands, so that a redrive goes on from the failed state with what is already done.
import type { Json } from "../language/types";

/** Where a machine, branch or iteration stands, with the parts of the state that it is in. */
export class Checkpoint {
  /** The state that is being run, with what it began with; undefined before the first one and after the end. */
  current: { readonly state: string; readonly input: Json; readonly variables: ReadonlyMap<string, Json> } | undefined;
  /** Output, once all is done. */
  finished: Json | undefined;
  private readonly parts = new Map<number, Checkpoint>();

  /** Of a branch or an item of the current state. */
  part(index: number): Checkpoint {
    const known = this.parts.get(index);
    if (known) return known;
    const part = new Checkpoint();
    this.parts.set(index, part);
    return part;
  }

  enter(state: string, input: Json, variables: ReadonlyMap<string, Json>): void {
    this.current = { state, input, variables };
  }

  finish(output: Json): void {
    this.finished = output;
    this.current = undefined;
    this.parts.clear();
  }

  /** The current state has ended, or is to be done anew. */
  forgetParts(): void {
    this.parts.clear();
  }
}
