// Metric math: numbers, ids of queries, + - * / ^, comparisons, AND and OR, lists, and functions that compute each period by itself.

/** Values of queries by id, so many periods before the one that is computed; undefined where there is no data. */
export type MathValues = (id: string, periodsBack: number) => number | undefined;
/** A compiled expression. */
export type MathExpression = (values: MathValues, periodsBack?: number) => number | undefined;

/** How far FILL(…, REPEAT) looks back, in periods. */
const LONGEST_REPEAT = 100;

type Combine = (...values: number[]) => number;

const FUNCTIONS: Readonly<Record<string, Combine>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
  MIN: Math.min,
  MAX: Math.max,
  SUM: (...values) => values.reduce((sum, value) => sum + value, 0),
  AVG: (...values) => values.reduce((sum, value) => sum + value, 0) / values.length,
};
const COMPARISONS: Readonly<Record<string, Combine>> = {
  ">": (a = 0, b = 0) => Number(a > b),
  ">=": (a = 0, b = 0) => Number(a >= b),
  "<": (a = 0, b = 0) => Number(a < b),
  "<=": (a = 0, b = 0) => Number(a <= b),
  "==": (a = 0, b = 0) => Number(a === b),
  "!=": (a = 0, b = 0) => Number(a !== b),
};
const SUMS: Readonly<Record<string, Combine>> = { "+": (a = 0, b = 0) => a + b, "-": (a = 0, b = 0) => a - b };
const CONJUNCTIONS: Readonly<Record<string, Combine>> = {
  AND: (a = 0, b = 0) => Number(a !== 0 && b !== 0),
  "&&": (a = 0, b = 0) => Number(a !== 0 && b !== 0),
};
const DISJUNCTIONS: Readonly<Record<string, Combine>> = {
  OR: (a = 0, b = 0) => Number(a !== 0 || b !== 0),
  "||": (a = 0, b = 0) => Number(a !== 0 || b !== 0),
};
const POWERS: Readonly<Record<string, Combine>> = { "^": (a = 0, b = 0) => a ** b };
const PRODUCTS: Readonly<Record<string, Combine>> = { "*": (a = 0, b = 0) => a * b, "/": (a = 0, b = 0) => a / b };

/** Compiles an expression. Throws an Error for what CloudWatch refuses and for functions that are not simulated. */
export function compileMath(expression: string, ids: ReadonlySet<string>): MathExpression {
  const tokens = expression.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|>=|<=|==|!=|&&|\|\||\S/g) ?? [];
  const parser = new MathParser(tokens, ids);
  const compiled = parser.expression();
  parser.end();
  return compiled;
}

class MathParser {
  private at = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly ids: ReadonlySet<string>,
  ) {}

  expression(): MathExpression {
    const product = (): MathExpression => this.chain(PRODUCTS, () => this.chain(POWERS, () => this.unary()));
    const comparison = (): MathExpression => this.chain(COMPARISONS, () => this.chain(SUMS, product));
    return this.chain(DISJUNCTIONS, () => this.chain(CONJUNCTIONS, comparison));
  }

  end(): void {
    if (this.at < this.tokens.length) throw new Error(`unexpected ${this.tokens[this.at]}`);
  }

  private chain(operators: Readonly<Record<string, Combine>>, operand: () => MathExpression): MathExpression {
    let left = operand();
    for (let combine = operators[this.peek()]; combine; combine = operators[this.peek()]) {
      this.at++;
      left = apply(combine, [left, operand()]);
    }
    return left;
  }

  private unary(): MathExpression {
    if (this.peek() !== "-") return this.primary();
    this.at++;
    return apply((value = 0) => -value, [this.unary()]);
  }

  private primary(): MathExpression {
    const token = this.peek();
    this.at++;
    if (/^\d/.test(token)) return () => Number(token);
    if (token === "(") {
      const inner = this.expression();
      this.expect(")");
      return inner;
    }
    if (this.peek() === "(") return this.call(token);
    if (!this.ids.has(token)) throw new Error(`unknown id ${token || "at the end"}`);
    return (values, back = 0) => values(token, back);
  }

  private call(name: string): MathExpression {
    this.at++;
    if (name === "FILL") return this.fill();
    const isList = this.peek() === "[";
    if (isList) this.at++;
    const operands = this.operands();
    if (isList) this.expect("]");
    this.expect(")");
    if (name === "IF" && !isList) return choose(operands);
    const combine = FUNCTIONS[name];
    if (!combine) throw new Error(`the function ${name} is not simulated by the local run`);
    return apply(combine, operands);
  }

  private operands(): readonly MathExpression[] {
    const operands = [this.expression()];
    while (this.peek() === ",") {
      this.at++;
      operands.push(this.expression());
    }
    return operands;
  }

  /** FILL(metric, value) and FILL(metric, REPEAT). */
  private fill(): MathExpression {
    const metric = this.expression();
    this.expect(",");
    const filler = this.peek();
    if (filler === "LINEAR") throw new Error("FILL with LINEAR is not simulated by the local run");
    if (filler !== "REPEAT") {
      const value = this.expression();
      this.expect(")");
      return (values, back = 0) => metric(values, back) ?? value(values, back);
    }
    this.at++;
    this.expect(")");
    return (values, back = 0) => {
      for (let earlier = back; earlier <= back + LONGEST_REPEAT; earlier++) {
        const value = metric(values, earlier);
        if (value !== undefined) return value;
      }
      return undefined;
    };
  }

  private expect(token: string): void {
    if (this.peek() !== token) throw new Error(`expected ${token}, got ${this.peek() || "the end"}`);
    this.at++;
  }

  private peek(): string {
    return this.tokens[this.at] ?? "";
  }
}

/** IF(condition, value, other): no data in the condition is no data in the result. */
function choose([condition, first, second, ...more]: readonly MathExpression[]): MathExpression {
  if (!condition || !first || more.length > 0) throw new Error("IF takes a condition and one or two values");
  return (values, back = 0) => {
    const holds = condition(values, back);
    if (holds === undefined) return undefined;
    return holds === 0 ? second?.(values, back) : first(values, back);
  };
}

/** No data on any side is no data; neither is a division by zero. */
function apply(combine: Combine, operands: readonly MathExpression[]): MathExpression {
  return (values, back = 0) => {
    const known: number[] = [];
    for (const operand of operands) {
      const value = operand(values, back);
      if (value === undefined) return undefined;
      known.push(value);
    }
    const result = combine(...known);
    return Number.isFinite(result) ? result : undefined;
  };
}
