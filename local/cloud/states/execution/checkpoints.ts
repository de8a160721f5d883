// Where each part of an execution stands, so that a redrive goes on from the failed state with what is already done.
import type { Json } from "../language/types";

/** The state that a machine, branch or iteration is in. */
export interface Checkpoint {
  readonly state: string;
  readonly input: Json;
  readonly variables: ReadonlyMap<string, Json>;
}

/** Checkpoints and finished parts by path: "" for the machine, "Ship/0" for the first branch of the state Ship. */
export class Checkpoints {
  private readonly current = new Map<string, Checkpoint>();
  private readonly finished = new Map<string, Json>();

  at(path: string): Checkpoint | undefined {
    return this.current.get(path);
  }

  resultOf(path: string): Json | undefined {
    return this.finished.get(path);
  }

  enter(path: string, checkpoint: Checkpoint): void {
    this.current.set(path, checkpoint);
  }

  finish(path: string, output: Json): void {
    this.finished.set(path, output);
  }

  /** Forgets all parts within a state: it has ended, or is to be done anew. */
  forget(path: string, state: string): void {
    const prefix = `${path}${state}/`;
    for (const parts of [this.current, this.finished]) {
      for (const key of parts.keys()) if (key.startsWith(prefix)) parts.delete(key);
    }
  }
}
