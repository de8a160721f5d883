// What the Lambda API refuses of a function's inputs.
import { InputReader } from "../../core/input-reader";
import type { InputProblem } from "../../core/errors";
import type { PropertyMap } from "../../core/resource-model";
import { ENVIRONMENT_BYTES } from "../limits";

/** Runtimes that Lambda has, and those that this Node runs. */
const KNOWN_RUNTIME = /^(nodejs|python|java|dotnet|ruby|provided)[a-z0-9.]*$/;
const REALISED_RUNTIMES = ["nodejs22.x", "nodejs24.x"];

/** Inputs with an effect here or none that anyone could notice; every other one is refused. */
const KNOWN_INPUTS = [
  "architectures",
  "code",
  "description",
  "environment",
  "ephemeralStorage",
  "handler",
  "kmsKeyArn",
  "loggingConfig",
  "memorySize",
  "name",
  "packageType",
  "publish",
  "region",
  "reservedConcurrentExecutions",
  "role",
  "runtime",
  "skipDestroy",
  "sourceCodeHash",
  "tags",
  "timeout",
  "tracingConfig",
];

/** https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
const RESERVED_VARIABLES = new Set([
  "_HANDLER",
  "_X_AMZN_TRACE_ID",
  "AWS_DEFAULT_REGION",
  "AWS_REGION",
  "AWS_EXECUTION_ENV",
  "AWS_LAMBDA_FUNCTION_NAME",
  "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
  "AWS_LAMBDA_FUNCTION_VERSION",
  "AWS_LAMBDA_INITIALIZATION_TYPE",
  "AWS_LAMBDA_LOG_GROUP_NAME",
  "AWS_LAMBDA_LOG_STREAM_NAME",
  "AWS_ACCESS_KEY",
  "AWS_ACCESS_KEY_ID",
  "AWS_SECRET_ACCESS_KEY",
  "AWS_SESSION_TOKEN",
  "AWS_LAMBDA_RUNTIME_API",
  "LAMBDA_TASK_ROOT",
  "LAMBDA_RUNTIME_DIR",
]);

const APPLICATION_LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const SYSTEM_LEVELS = ["DEBUG", "INFO", "WARN"];

/** All problems of a function's inputs. */
export function checkFunction(inputs: PropertyMap): readonly InputProblem[] {
  const reader = new InputReader(inputs);
  reader.allowOnly(...KNOWN_INPUTS);
  reader.matching("name", /^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, hyphens or underscores");
  checkCode(reader, inputs);
  checkRuntime(reader);
  reader.requiredText("role");
  reader.matching("role", /^arn:aws:iam::\d{12}:role\/.+$/, "the ARN of a role");
  reader.integer("timeout", 1, 900);
  reader.integer("memorySize", 128, 10_240);
  reader.integer("reservedConcurrentExecutions", -1, 1000);
  reader.nested("ephemeralStorage")?.integer("size", 512, 10_240);
  reader.nested("tracingConfig")?.choice("mode", ["Active", "PassThrough"]);
  const architectures = reader.texts("architectures");
  if (architectures.length > 1 || architectures.some((name) => name !== "x86_64" && name !== "arm64")) {
    reader.refuse("architectures", `must be one of x86_64, arm64, got ${architectures.join(", ")}`);
  }
  checkEnvironment(reader);
  checkLogging(reader);
  return reader.problems;
}

function checkCode(reader: InputReader, inputs: PropertyMap): void {
  const packageType = reader.choice("packageType", ["Zip", "Image"]);
  if (packageType === "Image") {
    reader.refuse(
      "packageType",
      "container images are not simulated by the local run; use Zip, or run this part on AWS",
    );
  }
  const code = inputs.code;
  const kind = code !== null && typeof code === "object" && "kind" in code ? code.kind : undefined;
  if (kind === undefined) reader.refuse("code", "is required: an archive with the handler's code");
  else if (kind !== "archive") reader.refuse("code", "must be an archive (AssetArchive or FileArchive)");
}

function checkRuntime(reader: InputReader): void {
  const runtime = reader.requiredText("runtime");
  if (runtime !== undefined && !REALISED_RUNTIMES.includes(runtime)) {
    const known = KNOWN_RUNTIME.test(runtime);
    const realised = REALISED_RUNTIMES.join(", ");
    reader.refuse(
      "runtime",
      known
        ? `${runtime} is not simulated by the local run; use ${realised}, or run this part on AWS`
        : `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set; use ${realised}`,
    );
  }
  const handler = reader.requiredText("handler");
  if (handler === undefined) return;
  if (handler.length > 128 || !/^\S+\.\S+$/.test(handler)) {
    reader.refuse("handler", `must be "file.export" of at most 128 characters without spaces, got ${handler}`);
  }
}

function checkEnvironment(reader: InputReader): void {
  const variables = reader.nested("environment")?.textMap("variables") ?? {};
  const names = Object.keys(variables);
  const reserved = names.filter((name) => RESERVED_VARIABLES.has(name));
  if (reserved.length > 0) {
    reader.refuse(
      "environment.variables",
      "Lambda was unable to configure your environment variables because the environment variables you have provided contains " +
        `reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(", ")}`,
    );
  }
  for (const name of names) {
    if (/^[A-Za-z][A-Za-z0-9_]+$/.test(name) || RESERVED_VARIABLES.has(name)) continue;
    reader.refuse(
      `environment.variables.${name}`,
      "must have a name of letters, digits and underscores, a letter first",
    );
  }
  if (Buffer.byteLength(JSON.stringify(variables)) > ENVIRONMENT_BYTES) {
    reader.refuse(
      "environment.variables",
      "Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the " +
        "4KB limit",
    );
  }
}

function checkLogging(reader: InputReader): void {
  const logging = reader.nested("loggingConfig");
  if (!logging) return;
  logging.allowOnly("logFormat", "logGroup", "applicationLogLevel", "systemLogLevel");
  logging.requiredText("logFormat");
  const format = logging.choice("logFormat", ["Text", "JSON"]);
  logging.choice("applicationLogLevel", APPLICATION_LEVELS);
  logging.choice("systemLogLevel", SYSTEM_LEVELS);
  logging.matching("logGroup", /^[.\-_/#A-Za-z0-9]{1,512}$/, "the name of a log group");
  for (const level of ["applicationLogLevel", "systemLogLevel"]) {
    if (format === "Text" && logging.has(level)) logging.refuse(level, "needs logFormat JSON");
  }
}
