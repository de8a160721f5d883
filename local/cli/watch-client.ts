// The progress client of `npm run watch`: with a token of the running local stack, or with a given one for any deployed stack.
import { createProgressClient, type OpenSocket, type ProgressClient } from "../../clients/progress";
import { type OptionSpec, type ParsedOptions, UsageError } from "./arguments";
import { readRunFile, type RunFile } from "./run-file";
import { requestTokens } from "./token-command";
import { readText, readUrl } from "./values";

const DEFAULT_OUTPUT = "progressClientSettings";

/** Options that say where the workflow is. */
export const WORKFLOW_OPTIONS: readonly OptionSpec[] = [
  {
    name: "output",
    value: "NAME",
    description: `stack output with the client's settings (default: ${DEFAULT_OUTPUT})`,
  },
  { name: "user", value: "NAME", description: "user of the running local stack (default: the demo user)" },
  { name: "tickets", value: "URL", description: "ticket API of a deployed stack (default: the running local stack)" },
  { name: "token", value: "TOKEN", description: "ID token for --tickets" },
  { name: "origin", value: "URL", description: "an allowed origin, for --tickets" },
];

/** Makes the client. @throws UsageError when there is nothing to connect to */
export function createWatchClient(folder: string, options: ParsedOptions): ProgressClient {
  const tickets = readUrl(options, "tickets");
  const token = readText(options, "token");
  const origin = readUrl(options, "origin");
  if (tickets !== undefined || token !== undefined || origin !== undefined) {
    if (tickets === undefined || token === undefined || origin === undefined) {
      throw new UsageError("--tickets, --token and --origin belong together: give all or none");
    }
    return connect(tickets, origin, () => Promise.resolve(token));
  }
  const run = readRunFile(folder);
  const name = readText(options, "output") ?? DEFAULT_OUTPUT;
  const { ticketUrl, allowedOrigins } = readConfiguration(run, name);
  const user = readText(options, "user") ?? run.demoUser?.username;
  if (user === undefined) throw new UsageError("the running stack has no user pool, so there are no tokens");
  return connect(ticketUrl, allowedOrigins[0] ?? "", async () => {
    const { IdToken = "" } = await requestTokens(run, { Username: user });
    return IdToken;
  });
}

function connect(ticketUrl: string, origin: string, token: () => Promise<string>): ProgressClient {
  return createProgressClient({
    ticketUrl,
    token,
    environment: { openSocket: openSocketAs(new URL(origin).origin) },
  });
}

/** The API lets in only those who come from its own pages; Node says no origin unless told to. */
function openSocketAs(origin: string): OpenSocket {
  return (url, handlers) => {
    const socket = new WebSocket(url, { headers: { origin } });
    socket.onopen = () => handlers.open();
    socket.onmessage = ({ data }) => handlers.message(data);
    socket.onclose = () => handlers.close();
    return socket;
  };
}

interface Configuration {
  readonly ticketUrl: string;
  readonly allowedOrigins: readonly string[];
}

function readConfiguration({ outputs }: RunFile, name: string): Configuration {
  const value = outputs[name];
  const { ticketUrl, allowedOrigins } = (value ?? {}) as Partial<Record<keyof Configuration, unknown>>;
  if (typeof ticketUrl !== "string") {
    throw new UsageError(`the running stack has no output ${name} with the settings of a workflow's clients`);
  }
  const origins = Array.isArray(allowedOrigins) ? allowedOrigins : [outputs.progressPage];
  const usable = origins.filter((origin): origin is string => typeof origin === "string" && URL.canParse(origin));
  if (usable.length === 0) throw new UsageError(`output ${name} names no allowed origin`);
  return { ticketUrl, allowedOrigins: usable };
}
