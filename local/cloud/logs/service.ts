// CloudWatch Logs: groups, streams, lines, and metrics in embedded metric format.
import { serveJson, type JsonApi } from "../core/json-api";
import type { CloudContext, LogStore, Service } from "../core/service";
import { logOperations } from "./api";
import { logGroupModel } from "./resources";
import { type LogGroup, LogGroups, type LogLine } from "./store";

const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

/** CloudWatch Logs, with what the console and the tests read. */
export interface LogsService extends Service, LogStore {
  groups(): readonly LogGroup[];
  /** The latest lines of a group of the cloud's own account and Region, oldest first; of all groups when left out. */
  lines(group?: string): readonly LogLine[];
  /** Calls `listener` for every later line; returns the function that ends it. */
  subscribe(listener: (line: LogLine) => void): () => void;
}

/** The CloudWatch Logs service of the embedded cloud. */
export function createLogsService(context: CloudContext): LogsService {
  const { accountId, region } = context;
  const groups = new LogGroups(context.clock, { accountId, region }, () => context.metrics);
  const api: JsonApi = {
    target: "Logs_20140328",
    version: "1.1",
    limitBytes: MAX_REQUEST_BYTES,
    service: "logs",
    file: "local/cloud/logs/api.ts",
    operations: logOperations(context, groups),
  };
  return {
    name: "logs",
    models: [logGroupModel(groups)],
    handle: (call) => serveJson(api, call),
    append: (group, stream, message) => groups.append(group, stream, message),
    groups: () => groups.all(),
    lines: (name) =>
      groups
        .all()
        .filter((group) => name === undefined || group.name === name)
        .flatMap((group) => groups.lines(group))
        .sort((a, b) => a.sequence - b.sequence),
    subscribe: (listener) => groups.subscribe(listener),
    stop: async () => groups.stop(),
  };
}
