// Tables of arguments and outputs for the component pages, made from the doc comments in the source.
import * as fs from "node:fs";
import * as path from "node:path";
import ts from "typescript";

/** A page and the source that it documents. */
export interface DocumentedComponent {
  /** Page below docs/components/. */
  readonly page: string;
  /** Source files below components/, arguments and class. */
  readonly sources: readonly string[];
  /** Interfaces whose members are arguments, in the order of the page. */
  readonly argumentInterfaces: readonly string[];
  readonly className: string;
}

/** Every documented component. */
export const DOCUMENTED_COMPONENTS: readonly DocumentedComponent[] = [
  {
    page: "accelerated-upload-bucket.md",
    sources: ["accelerated-upload-bucket/args.ts", "accelerated-upload-bucket/component.ts"],
    argumentInterfaces: [
      "AcceleratedUploadBucketArgs",
      "UploadMalwareProtectionArgs",
      "UploadThrottlingArgs",
      "UploadAlarmsArgs",
    ],
    className: "AcceleratedUploadBucket",
  },
  {
    page: "throttled-queue-consumer.md",
    sources: ["throttled-queue-consumer/args.ts", "throttled-queue-consumer/component.ts"],
    argumentInterfaces: [
      "ThrottledQueueConsumerArgs",
      "QueueConsumerCodeArgs",
      "QueuePollersArgs",
      "QueueDeadLetterArgs",
      "QueueIdempotencyArgs",
      "QueueBackoffArgs",
      "QueueRateLimitArgs",
      "QueueClaimCheckArgs",
      "QueueCircuitBreakerArgs",
      "QueueProducerArgs",
      "QueueStatementArgs",
      "QueueAlarmsArgs",
      "QueueTargetArgs",
    ],
    className: "ThrottledQueueConsumer",
  },
  {
    page: "progress-tracked-workflow.md",
    sources: ["progress-tracked-workflow/args.ts", "progress-tracked-workflow/component.ts"],
    argumentInterfaces: [
      "ProgressTrackedWorkflowArgs",
      "ProgressStatementArgs",
      "ProgressThrottlingArgs",
      "ProgressShiftArgs",
      "ProgressAlarmsArgs",
    ],
    className: "ProgressTrackedWorkflow",
  },
  {
    page: "static-site.md",
    sources: ["static-site.ts"],
    argumentInterfaces: ["StaticSiteArgs"],
    className: "StaticSite",
  },
  {
    page: "sign-in-user-pool.md",
    sources: ["sign-in-user-pool.ts"],
    argumentInterfaces: ["SignInUserPoolArgs"],
    className: "SignInUserPool",
  },
  {
    page: "api-gateway-logging.md",
    sources: ["api-gateway-logging.ts"],
    argumentInterfaces: ["ApiGatewayLoggingArgs"],
    className: "ApiGatewayLogging",
  },
];

const START = "<!-- generated: arguments and outputs -->";
const END = "<!-- /generated -->";

/** The page with its generated part made anew. Throws when the markers are missing. */
export function renderPage(
  root: string,
  component: DocumentedComponent,
): { readonly file: string; readonly text: string } {
  const file = path.join(root, "docs", "components", component.page);
  const text = fs.readFileSync(file, "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) throw new Error(`${component.page} lacks the lines "${START}" and "${END}"`);
  const generated = `${START}\n\n${renderTables(root, component)}\n\n`;
  return { file, text: text.slice(0, start) + generated + text.slice(end) };
}

function renderTables(root: string, { sources, argumentInterfaces, className }: DocumentedComponent): string {
  const files = sources.map((source) => parse(path.join(root, "components", source)));
  const parts = argumentInterfaces.map((name) => {
    const declaration = find(files, (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node), name);
    return `### ${name}\n\n${table(["Argument", "Type", "Meaning", "Default"], declaration.members.map(argumentRow))}`;
  });
  const classDeclaration = find(files, (node): node is ts.ClassDeclaration => ts.isClassDeclaration(node), className);
  const outputs = classDeclaration.members
    .filter((member): member is ts.PropertyDeclaration => ts.isPropertyDeclaration(member))
    .filter((member) => !member.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.StaticKeyword));
  return [...parts, `### Outputs\n\n${table(["Output", "Type", "Meaning"], outputs.map(outputRow))}`].join("\n\n");
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
}

function find<T extends ts.InterfaceDeclaration | ts.ClassDeclaration>(
  files: readonly ts.SourceFile[],
  fits: (node: ts.Node) => node is T,
  name: string,
): T {
  for (const file of files) {
    for (const statement of file.statements) if (fits(statement) && statement.name?.text === name) return statement;
  }
  throw new Error(`${name} was not found`);
}

function argumentRow(member: ts.TypeElement): string[] {
  if (!ts.isPropertySignature(member)) throw new Error(`${member.getText()} is no property`);
  const fallback = ts.getJSDocTags(member).find((tag) => tag.tagName.text === "default");
  return [
    `\`${member.name.getText()}\``,
    `\`${typeText(member.type)}\``,
    description(member),
    fallback ? collapse(ts.getTextOfJSDocComment(fallback.comment) ?? "").replace(/^- /, "") : "required",
  ];
}

function outputRow(member: ts.PropertyDeclaration): string[] {
  return [`\`${member.name.getText()}\``, `\`${typeText(member.type)}\``, description(member)];
}

function typeText(type: ts.TypeNode | undefined): string {
  return collapse(type?.getText() ?? "").replaceAll("pulumi.", "");
}

function description(node: ts.Node): string {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter((item): item is ts.JSDoc => ts.isJSDoc(item));
  return collapse(ts.getTextOfJSDocComment(comment?.comment) ?? "");
}

function collapse(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
