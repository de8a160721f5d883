// Where the commands for queues work: on the running local stack, or on AWS with the person's own credentials.
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { SQS } from "@aws-sdk/client-sqs";
import { type OptionSpec, type ParsedOptions, UsageError } from "../arguments";
import { describeAwsFailure } from "../aws-failure";
import { lambdaModule, sqsModule } from "../late-modules";
import { readRunFile } from "../run-file";
import { readText } from "../values";

/** Options that choose the place. */
export const PLACE_OPTIONS: readonly OptionSpec[] = [
  { name: "aws", description: "works on AWS with your credentials (default: on the running local stack)" },
  { name: "profile", value: "NAME", description: "AWS profile, with --aws (default: AWS_PROFILE)" },
  { name: "region", value: "REGION", description: "AWS Region, with --aws (default: AWS_REGION or the profile's)" },
];

/** An open place. */
export interface Connection {
  readonly sqs: SQS;
  /** Client of Lambda, made when it is first asked for. */
  lambda(): LambdaClient;
  /** Outputs of the running stack; none on AWS. */
  readonly outputs: Readonly<Record<string, unknown>>;
  /**
   * Seconds that a receive waits before a queue counts as empty. On AWS a receive that does not wait asks a few of the queue's servers
   * only; the local run has one.
   */
  readonly waitSeconds: number;
  /** Milliseconds between two looks at something that goes on. */
  readonly pollMs: number;
}

/**
 * Works at the place that the options name.
 * @throws UsageError, what `work` threw, or an Error that says what to do about credentials, Region, rights or network.
 */
export async function withConnection<T>(
  folder: string,
  options: ParsedOptions,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { close, ...connection } = connect(folder, options);
  try {
    return await work(connection);
  } catch (error) {
    const failure = options.aws ? describeAwsFailure(error, readText(options, "profile")) : undefined;
    throw failure ? new Error(`${failure.seen}; ${failure.fix}`, { cause: error }) : error;
  } finally {
    close();
  }
}

function connect(folder: string, options: ParsedOptions): Connection & { close(): void } {
  const place = options.aws ? awsPlace(options) : localPlace(folder, options);
  const { SQS } = sqsModule();
  const sqs = new SQS(place.client);
  let lambda: LambdaClient | undefined;
  return {
    sqs,
    lambda: () => (lambda ??= new (lambdaModule().LambdaClient)(place.client)),
    outputs: place.outputs,
    waitSeconds: options.aws ? 1 : 0,
    pollMs: options.aws ? 1000 : 200,
    close: () => {
      sqs.destroy();
      lambda?.destroy();
    },
  };
}

interface Place {
  readonly client: {
    readonly endpoint?: string;
    readonly region?: string;
    readonly profile?: string;
    readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly outputs: Readonly<Record<string, unknown>>;
}

function awsPlace(options: ParsedOptions): Place {
  const profile = readText(options, "profile");
  const region = readText(options, "region");
  return {
    client: { ...(profile === undefined ? {} : { profile }), ...(region === undefined ? {} : { region }) },
    outputs: {},
  };
}

function localPlace(folder: string, options: ParsedOptions): Place {
  const stray = ["profile", "region"].find((name) => options[name] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} belongs to --aws: give both or none`);
  const { endpoint, region, credentials, outputs } = readRunFile(folder);
  return { client: { endpoint, region, credentials }, outputs };
}
