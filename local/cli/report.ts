// What a started stack tells: a page for people, one line of JSON for programs.
import type { Cloud } from "../cloud";
import type { Evaluation, EvaluationError, StackOutput } from "../engine";

/** A stack that has started. */
export interface StartedStack {
  readonly project: string;
  readonly stack: string;
  readonly cloud: Cloud;
  readonly evaluation: Evaluation;
  /** Address of the console; undefined when there is none. */
  readonly consoleUrl: string;
  /** Milliseconds from the start of the command. */
  readonly readyMs: number;
}

const masked = "[secret]";

/** Stack outputs with local URLs; secrets are masked. */
export function visibleOutputs(cloud: Cloud, outputs: Readonly<Record<string, StackOutput>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { value, secret }]) => [name, secret ? masked : cloud.localise(value)]),
  );
}

/** One line of JSON. The demo user's password is its only secret: it opens nothing but this run. */
export function renderJson({ cloud, evaluation, consoleUrl, readyMs }: StartedStack): string {
  const [demo] = cloud.demoUsers();
  return JSON.stringify({
    console: consoleUrl,
    outputs: visibleOutputs(cloud, evaluation.outputs),
    readyMs,
    ...(demo ? { demoUser: { username: demo.username, password: demo.password } } : {}),
    endpoints: cloud.endpoints(),
  });
}

/** The page for people. @param color whether the terminal shows colours. */
export function renderPage(started: StartedStack, color: boolean): string {
  const { cloud, evaluation, consoleUrl, readyMs, project, stack } = started;
  const paint = (code: string, text: string): string => (color ? `\u001b[${code}m${text}\u001b[0m` : text);
  const count = evaluation.resources.filter(({ custom }) => custom).length;
  const seconds = (readyMs / 1000).toFixed(1);
  const lines = [
    `${paint("1", `${project} / ${stack}`)} runs on this machine: ${count} resources, ready in ${seconds} s`,
    "",
  ];
  const endpoints = [
    ["Console", consoleUrl] as const,
    ...cloud.endpoints().map(({ label, url, urn }) => [nameOf(label, urn, cloud), url] as const),
  ];
  lines.push(paint("1", "Endpoints"), ...table(endpoints, (url) => paint("36", url)), "");
  const demo = cloud.demoUsers();
  if (demo.length > 0) {
    lines.push(paint("1", "Demo user (made anew in each run)"));
    for (const { username, password } of demo)
      lines.push(
        ...table([
          ["User name", username],
          ["Password", password],
        ]),
      );
    lines.push("");
  }
  const outputs = Object.entries(visibleOutputs(cloud, evaluation.outputs));
  if (outputs.length > 0) {
    const rows = outputs.map(
      ([name, value]) => [name, typeof value === "string" ? value : shorten(JSON.stringify(value))] as const,
    );
    lines.push(paint("1", "Stack outputs"), ...table(rows), "");
  }
  lines.push(paint("2", "Ctrl-C ends it; nothing is kept."), "");
  return lines.join("\n");
}

/** Failures of a program, most telling first, each with the resource it is about. */
export function renderErrors(evaluation: Evaluation): string {
  const seen = new Set<string>();
  const lines: string[] = [];
  for (const error of evaluation.errors) {
    const text = renderError(error);
    if (!seen.has(text)) lines.push(text);
    seen.add(text);
  }
  return lines.join("\n");
}

function renderError(error: EvaluationError): string {
  const about = error.name === undefined ? "" : `${error.name} (${error.type ?? ""}): `;
  if (error.problems.length === 0)
    return `  ✗ ${error.message.includes(error.name ?? "\0") ? "" : about}${indent(error.message)}`;
  const head = `  ✗ ${about === "" ? "" : `${error.name} (${error.type ?? ""})`}`;
  return [head, ...error.problems.map(({ property, reason }) => `      ${property}: ${reason}`)].join("\n");
}

/** Structured outputs are for programs: people see how they begin. */
function shorten(text: string): string {
  return text.length > 90 ? `${text.slice(0, 80)}… (whole with --json)` : text;
}

function indent(text: string): string {
  return text.trim().replaceAll("\n", "\n    ");
}

/** Two endpoints of one kind are told apart by the resource's name. */
function nameOf(label: string, urn: string, cloud: Cloud): string {
  const alike = cloud.endpoints().filter((endpoint) => endpoint.label === label).length > 1;
  const name = urn.split("::").at(-1) ?? "";
  return alike && name !== "" ? `${label} (${name})` : label;
}

function table(
  rows: readonly (readonly [string, string])[],
  paint: (text: string) => string = (text) => text,
): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${paint(value)}`);
}
