// Metric math of alarms: numbers, ids of queries, + - * / and comparisons, and the functions that need no time series.

/** Values of queries by id at one point in time; undefined where there is no data. */
export type MathValues = (id: string) => number | undefined;
/** A compiled expression. */
export type MathExpression = (values: MathValues) => number | undefined;

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
const PRODUCTS: Readonly<Record<string, Combine>> = { "*": (a = 0, b = 0) => a * b, "/": (a = 0, b = 0) => a / b };

/** Compiles an expression. Throws an Error for what CloudWatch refuses and for functions that are not simulated. */
export function compileMath(expression: string, ids: ReadonlySet<string>): MathExpression {
  const tokens = expression.match(/\d+(?:\.\d+)?|[A-Za-z_]\w*|>=|<=|==|!=|\S/g) ?? [];
  const parser = new MathParser(tokens, ids);
  const compiled = parser.comparison();
  parser.end();
  return compiled;
}

class MathParser {
  private at = 0;

  constructor(
    private readonly tokens: readonly string[],
    private readonly ids: ReadonlySet<string>,
  ) {}

  comparison(): MathExpression {
    return this.chain(COMPARISONS, () => this.chain(SUMS, () => this.chain(PRODUCTS, () => this.unary())));
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
      const inner = this.comparison();
      this.expect(")");
      return inner;
    }
    if (this.peek() === "(") return this.call(token);
    if (!this.ids.has(token)) throw new Error(`unknown id ${token || "at the end"}`);
    return (values) => values(token);
  }

  private call(name: string): MathExpression {
    this.at++;
    const operands = [this.comparison()];
    while (this.peek() === ",") {
      this.at++;
      operands.push(this.comparison());
    }
    this.expect(")");
    const [first, second, third] = operands;
    if (name === "FILL" && first && second) return (values) => first(values) ?? second(values);
    if (name === "IF" && first && second) return (values) => (first(values) ? second(values) : third?.(values));
    const combine = FUNCTIONS[name];
    if (!combine) throw new Error(`the function ${name} is not simulated by the local run`);
    return apply(combine, operands);
  }

  private expect(token: string): void {
    if (this.peek() !== token) throw new Error(`expected ${token}, got ${this.peek() || "the end"}`);
    this.at++;
  }

  private peek(): string {
    return this.tokens[this.at] ?? "";
  }
}

/** No data on any side is no data; neither is a division by zero. */
function apply(combine: Combine, operands: readonly MathExpression[]): MathExpression {
  return (values) => {
    const known = operands.map((operand) => operand(values)).filter((value) => value !== undefined);
    const result = known.length === operands.length ? combine(...known) : Number.NaN;
    return Number.isFinite(result) ? result : undefined;
  };
}
