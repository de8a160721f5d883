// Rules of composite alarms: ALARM(), OK(), INSUFFICIENT_DATA(), TRUE, FALSE, AND, OR, NOT and parentheses.
import type { AlarmState } from "./alarms";

/** A compiled rule. */
export interface AlarmRule {
  /** Names or ARNs of the alarms it looks at. */
  readonly children: readonly string[];
  holds(stateOf: (nameOrArn: string) => AlarmState | undefined): boolean;
}

type Holds = AlarmRule["holds"];

/** Compiles a rule. Throws an Error with what is wrong. */
export function parseAlarmRule(text: string): AlarmRule {
  const tokens = text.match(/"[^"]*"|[()]|[^\s()"]+/g) ?? [];
  const parser = new RuleParser(tokens);
  const holds = parser.disjunction();
  parser.end();
  return { children: parser.children, holds };
}

class RuleParser {
  readonly children: string[] = [];
  private at = 0;

  constructor(private readonly tokens: readonly string[]) {}

  disjunction(): Holds {
    let left = this.conjunction();
    while (this.take("OR")) {
      const [one, other] = [left, this.conjunction()];
      left = (stateOf) => one(stateOf) || other(stateOf);
    }
    return left;
  }

  end(): void {
    if (this.at < this.tokens.length) throw new Error(`unexpected ${this.tokens[this.at]}`);
  }

  private conjunction(): Holds {
    let left = this.negation();
    while (this.take("AND")) {
      const [one, other] = [left, this.negation()];
      left = (stateOf) => one(stateOf) && other(stateOf);
    }
    return left;
  }

  private negation(): Holds {
    if (!this.take("NOT")) return this.primary();
    const inner = this.negation();
    return (stateOf) => !inner(stateOf);
  }

  private primary(): Holds {
    if (this.take("(")) {
      const inner = this.disjunction();
      this.expect(")");
      return inner;
    }
    if (this.take("TRUE")) return () => true;
    if (this.take("FALSE")) return () => false;
    const state = (["ALARM", "OK", "INSUFFICIENT_DATA"] as const).find((one) => this.take(one));
    if (!state) throw new Error(`unexpected ${this.tokens[this.at] ?? "end"}`);
    this.expect("(");
    const child = (this.tokens[this.at++] ?? "").replace(/^"|"$/g, "");
    if (child === "" || child === ")") throw new Error(`${state}() needs the name or ARN of an alarm`);
    this.expect(")");
    this.children.push(child);
    return (stateOf) => stateOf(child) === state;
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private expect(token: string): void {
    if (!this.take(token)) throw new Error(`expected ${token}, got ${this.tokens[this.at] ?? "the end"}`);
  }
}
