// `npm run token`: an ID token of the running stack's user pool, for curl.
import { signRequest } from "../cloud/gateway/sign";
import { UsageError } from "./arguments";
import { type Command, type CommandContext, EXIT, runCommand } from "./command";
import { readRunFile } from "./run-file";
import type { RunFile } from "./run-file";

const COMMAND: Command = {
  name: "npm run token",
  summary: "Prints a token of a user of the running local stack.",
  usage: [["[--user NAME] [--client ID] [--access]"]],
  options: [
    { name: "user", value: "NAME", description: "user to get a token for; made when missing (default: the demo user)" },
    { name: "client", value: "ID", description: "app client the token is for (default: the only one)" },
    { name: "access", description: "prints the access token instead of the ID token" },
  ],
};

/** Runs the command. @returns the exit code, one of EXIT. */
export function runToken(context: CommandContext): Promise<number> {
  return runCommand(COMMAND, context, async ({ options }) => {
    const run = readRunFile(context.folder);
    const username = options.user ?? run.demoUser?.username;
    if (username === undefined) throw new UsageError("the running stack has no user pool, so there are no tokens");
    const tokens = await requestTokens(run, {
      Username: username,
      ...(options.client ? { ClientId: options.client } : {}),
    });
    const token = options.access ? tokens.AccessToken : tokens.IdToken;
    context.stdout.write(`${token ?? ""}\n`);
    return EXIT.done;
  });
}

/** Tokens of a user of a running stack's user pool; the user is made when it is missing. */
export async function requestTokens(
  run: Pick<RunFile, "endpoint" | "region" | "credentials">,
  input: Readonly<Record<string, unknown>>,
): Promise<Record<string, string>> {
  const body = JSON.stringify(input);
  const headers = signRequest({
    method: "POST",
    url: `${run.endpoint}/`,
    headers: {
      "content-type": "application/x-amz-json-1.1",
      "x-amz-target": "AWSCognitoIdentityProviderService.LocalIssueTokens",
    },
    body,
    credentials: run.credentials,
    service: "cognito-idp",
    region: run.region,
    at: Date.now(),
  });
  const response = await fetch(`${run.endpoint}/`, { method: "POST", headers, body }).catch((cause: unknown) => {
    throw new UsageError(
      `the running stack does not answer at ${run.endpoint}: ${String(cause)}; start it again with npm start`,
    );
  });
  const answer = (await response.json()) as Record<string, string>;
  if (!response.ok) throw new UsageError(answer.message ?? `the running stack answered ${response.status}`);
  return answer;
}
