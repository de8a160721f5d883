// The part of mapping templates and mapping expressions that is simulated: static text with $context and $stageVariables.

/** Values that texts may name: "requestId", "error.messageString", "identity.sourceIp". */
export type ContextValues = Readonly<Record<string, string>>;

/** What is wrong with a template; undefined when it can be rendered here. */
export function templateProblem(template: string): string | undefined {
  const directive = /#(set|if|elseif|else|foreach|end|define|macro|include|parse)\b|\$!?\{?(input|util|method)\b/.exec(
    template,
  );
  if (!directive) return undefined;
  return (
    `the Velocity part "${directive[0]}" is not simulated by the local run; use static text with $context values, ` +
    "a Lambda proxy integration, or run this part on AWS"
  );
}

/** Replaces `$context.name` and `$stageVariables.name`. Unknown names become empty, or `missing`. */
export function renderTemplate(
  template: string,
  context: ContextValues,
  variables: Readonly<Record<string, string>>,
  missing = "",
): string {
  const reference = /\$(?:\{(context|stageVariables)\.([\w.-]+)\}|(context|stageVariables)\.([\w-]+(?:\.[\w-]+)*))/g;
  return template.replaceAll(reference, (...groups: readonly (string | undefined)[]) => {
    const name = groups[2] ?? groups[4] ?? "";
    return (groups[1] ?? groups[3]) === "context" ? (context[name] ?? missing) : (variables[name] ?? missing);
  });
}

/** What is wrong with a mapping expression; undefined when it can be resolved here. */
export function mappingProblem(expression: string): string | undefined {
  if (/^'.*'$/s.test(expression) || /^(context|stageVariables|method\.request\.header)\.[\w.-]+$/.test(expression))
    return undefined;
  return `the mapping expression ${expression} is not simulated by the local run; use a text in single quotes`;
}

/** The value of `'text'`, `context.name`, `stageVariables.name` or `method.request.header.name`; undefined when empty. */
export function resolveMapping(
  expression: string,
  context: ContextValues,
  variables: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): string | undefined {
  if (expression.startsWith("'")) return expression.slice(1, -1);
  const separator = expression.indexOf(".");
  const source = expression.slice(0, separator);
  const name = expression.slice(separator + 1);
  if (source === "context") return context[name];
  if (source === "stageVariables") return variables[name];
  const value = headers[name.slice("request.header.".length).toLowerCase()];
  return typeof value === "string" ? value : value?.join(",");
}
