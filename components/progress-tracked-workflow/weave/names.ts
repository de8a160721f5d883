// Names of woven states: unique in the whole machine, at most 80 characters.

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
export const MAXIMUM_STATE_NAME = 80;

/** Gives out names that nobody has yet. */
export class StateNames {
  /** Names that were given out, in order. */
  readonly given: string[] = [];

  constructor(private readonly taken: Set<string>) {}

  /** "<base> (<what>)"; a long base is cut, a taken name is numbered. */
  next(base: string, what: string): string {
    for (let number = 1; ; number++) {
      const suffix = number === 1 ? ` (${what})` : ` (${what} ${number})`;
      const name = `${base.slice(0, MAXIMUM_STATE_NAME - suffix.length)}${suffix}`;
      if (this.taken.has(name)) continue;
      this.taken.add(name);
      this.given.push(name);
      return name;
    }
  }
}
