// Proves the house's conventions over every exported component: a new component that breaks one fails here.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import ts from "typescript";
import * as library from "../../components";
import { resolveAcceleratedUploadBucketSettings } from "../../components/accelerated-upload-bucket/settings";
import { resolveProgressTrackedWorkflowSettings } from "../../components/progress-tracked-workflow/settings";
import { resolveThrottledQueueConsumerSettings } from "../../components/throttled-queue-consumer/settings";
import { UPLOAD_ENVIRONMENT } from "../../handlers/upload/contract";
import { DOCUMENTED_COMPONENTS, renderPage } from "../../tools/docs/component-tables";
import { evaluateProgram, type ProgramEvaluation } from "../support/engine-run";
import { MINIMAL_QUEUE_ARGS } from "../support/queue-component";
import { reachableFrom } from "../support/public-children";
import { MINIMAL_ARGS } from "../support/upload-component";
import { MINIMAL_WORKFLOW_ARGS } from "../support/workflow-component";

const root = path.join(__dirname, "..", "..");
const TAGS = { team: "media" };

/** The smallest program of each component, with tags. */
const PROGRAMS: Readonly<Record<string, () => pulumi.ComponentResource>> = {
  AcceleratedUploadBucket: () => new library.AcceleratedUploadBucket("it", { ...MINIMAL_ARGS, tags: TAGS }),
  StaticSite: () => {
    const site = new library.StaticSite("it", { tags: TAGS });
    site.publish("index.html", "");
    return site;
  },
  SignInUserPool: () =>
    new library.SignInUserPool("it", {
      domainPrefix: "it",
      callbackUrls: ["https://app.example.com/"],
      tags: TAGS,
    }),
  ThrottledQueueConsumer: () => new library.ThrottledQueueConsumer("it", { ...MINIMAL_QUEUE_ARGS, tags: TAGS }),
  ProgressTrackedWorkflow: () =>
    new library.ProgressTrackedWorkflow("it", { ...MINIMAL_WORKFLOW_ARGS, transport: "eventbridge", tags: TAGS }),
  ApiGatewayLogging: () => new library.ApiGatewayLogging("it", { tags: TAGS }),
};

const components = Object.entries(library).filter(
  (entry): entry is [string, typeof library.StaticSite] => typeof entry[1] === "function" && "pulumiType" in entry[1],
);
const pageOf = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase();

describe("conventions", () => {
  it("know the smallest program of every component", () => {
    assert.deepEqual(Object.keys(PROGRAMS).sort(), components.map(([name]) => name).sort());
  });

  for (const [name, component] of components) {
    describe(name, () => {
      let evaluation: ProgramEvaluation;
      let reachable: ReadonlySet<string>;
      before(async () => {
        evaluation = await evaluateProgram(() => {
          reachable = reachableFrom((PROGRAMS[name] ?? assert.fail())());
        });
        assert.deepEqual(evaluation.errors, []);
      });

      it("has the package's type token", () => {
        assert.equal(component.pulumiType, `serverless-patterns:index:${name}`);
      });

      it("starts the name of every child with its own, and is their parent", () => {
        const children = evaluation.table().filter(([type]) => !type.startsWith("serverless-patterns:"));
        assert.ok(children.length > 0);
        for (const [, child, parent] of children) {
          assert.ok(child.startsWith("it-"), child);
          assert.equal(parent, "it");
        }
      });

      it("A8: puts the caller's tags on every taggable child", () => {
        const taggable = evaluation.resources.filter(({ type }) => type.startsWith("aws:") && isTaggable(type));
        assert.ok(taggable.length > 0);
        for (const { name: child, inputs } of taggable) assert.deepEqual(inputs.tags, TAGS, child);
      });

      it("A7: has a page whose generated part is current, an example, and a line in the changelog", () => {
        const page = DOCUMENTED_COMPONENTS.find(({ className }) => className === name) ?? assert.fail("no page");
        const { file, text } = renderPage(root, page);
        assert.equal(fs.readFileSync(file, "utf8"), text, "run: npm run docs");
        for (const heading of ["Children", "Security", "Limits", "Cost", "Troubleshooting"]) {
          assert.match(text, new RegExp(`^## ${heading}$`, "m"));
        }
        assert.ok(fs.existsSync(path.join(root, "examples", `${pageOf(name)}.ts`)));
        assert.ok(fs.readFileSync(path.join(root, "CHANGELOG.md"), "utf8").includes(`\`${name}\``));
      });

      it("A6: gives every child as a public field", () => {
        // `publish` returns the file that it makes.
        const children = evaluation.resources.filter(({ type, name: child }) => {
          return type.startsWith("aws:") && !child.startsWith("it-file-");
        });
        assert.ok(children.length > 0);
        for (const { urn } of children) assert.ok(reachable.has(urn), urn);
      });

      it("lists every child on its page", () => {
        const page = fs.readFileSync(path.join(root, "docs", "components", `${pageOf(name)}.md`), "utf8");
        const types = new Set(evaluation.resources.filter(({ custom }) => custom).map(({ type }) => type));
        for (const type of types) if (type.startsWith("aws:")) assert.ok(page.includes(type), type);
      });
    });
  }

  it("document a default on every optional argument, and none on a required one", () => {
    const wrong = argumentsOf().filter(({ optional, hasDefault }) => optional !== hasDefault);

    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
    );
  });

  it("document every literal default as it really is", () => {
    const settings = resolveAcceleratedUploadBucketSettings("it", MINIMAL_ARGS) as unknown as Record<string, unknown>;
    const real = flatten({ ...settings, ...(settings.rules as object) });
    const own = ["AcceleratedUploadBucketArgs", "UploadThrottlingArgs", "UploadAlarmsArgs"];
    const documented = argumentsOf().filter(({ owner, literal }) => literal !== undefined && own.includes(owner));
    assert.ok(documented.length > 15);

    for (const { name, literal } of documented) {
      if (!real.has(name)) continue;
      assert.equal(literal, JSON.stringify(real.get(name)), name);
    }
  });

  it("document every literal default of the queue consumer as it really is", () => {
    const args = {
      ...MINIMAL_QUEUE_ARGS,
      circuitBreaker: { alarmArn: "arn:aws:cloudwatch:eu-west-1:111111111111:alarm:slow" },
    };
    const { alarms, backoff, circuitBreaker, ...settings } = resolveThrottledQueueConsumerSettings("it", args);
    const real = new Map<string, unknown>([
      ...Object.entries(settings).map(([key, value]) => [`ThrottledQueueConsumerArgs.${key}`, value] as const),
      ...Object.entries(alarms).map(([key, value]) => [`QueueAlarmsArgs.${key}`, value] as const),
      ...Object.entries(backoff ?? {}).map(([key, value]) => [`QueueBackoffArgs.${key}`, value] as const),
      ...Object.entries(circuitBreaker ?? {}).map(([key, value]) => [`QueueCircuitBreakerArgs.${key}`, value] as const),
      ["QueueIdempotencyArgs.expirySeconds", settings.idempotencySeconds],
      ["QueueDeadLetterArgs.messageRetentionSeconds", settings.deadLetterRetentionSeconds],
    ]);
    const compared = argumentsOf().filter(
      ({ owner, name, literal }) => literal !== undefined && real.has(`${owner}.${name}`),
    );
    assert.ok(compared.length > 20, String(compared.length));

    for (const { owner, name, literal } of compared) {
      assert.equal(literal, JSON.stringify(real.get(`${owner}.${name}`)), `${owner}.${name}`);
    }
  });

  it("document every literal default of the workflow as it really is", () => {
    const { alarms, throttling, ...settings } = resolveProgressTrackedWorkflowSettings("it", MINIMAL_WORKFLOW_ARGS);
    const real = new Map<string, unknown>([
      ...Object.entries(settings).map(([key, value]) => [`ProgressTrackedWorkflowArgs.${key}`, value] as const),
      ...Object.entries(alarms).map(([key, value]) => [`ProgressAlarmsArgs.${key}`, value] as const),
      ...Object.entries(throttling).map(([key, value]) => [`ProgressThrottlingArgs.${key}`, value] as const),
    ]);
    const compared = argumentsOf().filter(
      ({ owner, name, literal }) => literal !== undefined && real.has(`${owner}.${name}`),
    );
    assert.ok(compared.length > 12, String(compared.length));

    for (const { owner, name, literal } of compared) {
      assert.equal(literal, JSON.stringify(real.get(`${owner}.${name}`)), `${owner}.${name}`);
    }
  });

  it("give the handlers exactly the environment that their contract names", async () => {
    const { byType } = await evaluateProgram(() => void (PROGRAMS.AcceleratedUploadBucket ?? assert.fail())());

    for (const { inputs } of byType("aws:lambda/function:Function")) {
      const { variables } = inputs.environment as { variables: object };
      assert.deepEqual(Object.keys(variables).sort(), Object.values(UPLOAD_ENVIRONMENT).sort());
    }
  });
});

describe("examples", () => {
  for (const file of fs.readdirSync(path.join(root, "examples")).filter((name) => name.endsWith(".ts"))) {
    it(`A7: ${file} evaluates`, async () => {
      const { errors } = await evaluateProgram(path.join(root, "examples", file), {
        config: {
          "aws:region": "eu-west-1",
          "test:pageOrigin": "https://app.example.com",
          "test:userPoolArn": MINIMAL_ARGS.userPoolArn,
        },
      });

      assert.deepEqual(
        errors.map(({ message }) => message),
        [],
      );
    });
  }
});

/** Whether the class of a type has `tags`: asked of the provider's own argument types. */
function isTaggable(type: string): boolean {
  const [, module = ""] = type.split(":");
  const [folder = "", file = ""] = module.split("/");
  const declaration = path.join(root, "node_modules", "@pulumi", "aws", folder, `${file}.d.ts`);
  const [, args = ""] = /export interface \w+Args \{([^]*)/.exec(fs.readFileSync(declaration, "utf8")) ?? [];
  return /^ {4}tags\?:/m.test(args) && !type.includes("BucketObject");
}

interface Argument {
  /** Interface that declares it. */
  readonly owner: string;
  readonly name: string;
  readonly optional: boolean;
  readonly hasDefault: boolean;
  /** Text between backticks, when the default is a value. */
  readonly literal: string | undefined;
}

function argumentsOf(): Argument[] {
  const folder = path.join(root, "components");
  return fs
    .readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) =>
      ts.createSourceFile(file, fs.readFileSync(path.join(folder, file), "utf8"), ts.ScriptTarget.Latest, true),
    )
    .flatMap((source) => [...source.statements])
    .filter(
      (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text.endsWith("Args"),
    )
    .flatMap(({ members }) => [...members])
    .map((member) => {
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === "default");
      const comment = ts.getTextOfJSDocComment(tag?.comment) ?? "";
      return {
        owner: (member.parent as ts.InterfaceDeclaration).name.text,
        name: member.name?.getText() ?? "",
        optional: member.questionToken !== undefined,
        hasDefault: tag !== undefined,
        literal: /^`(.+?)`/.exec(comment)?.[1],
      };
    });
}

function flatten(value: object, into = new Map<string, unknown>()): Map<string, unknown> {
  for (const [key, item] of Object.entries(value)) {
    into.set(key, item);
    if (item !== null && typeof item === "object" && !Array.isArray(item)) flatten(item as object, into);
  }
  return into;
}
