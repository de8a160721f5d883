// What was learned about the workflow, on Amazon DynamoDB: one row, which is replaced under the condition that nobody else did.
import type { Durations } from "./durations";
import type { DurationStore, LearnedDurations } from "./ports";
import { durationsKey } from "./rows";
import { numberIn, textIn, toNumber, type ProgressTable } from "./table";

/** See DurationStore. */
export class DynamoDurationStore implements DurationStore {
  constructor(private readonly table: ProgressTable) {}

  async find(): Promise<LearnedDurations | undefined> {
    const row = await this.table.get(durationsKey());
    const text = row && textIn(row, "durations");
    if (!row || text === undefined) return undefined;
    return { durations: JSON.parse(text) as Durations, version: numberIn(row, "version") ?? 0 };
  }

  replace(seen: LearnedDurations | undefined, durations: Durations): Promise<boolean> {
    const version = seen?.version ?? 0;
    return this.table.update({
      key: durationsKey(),
      update: "SET #durations = :durations, #version = :next",
      condition: seen ? "#version = :seen" : "attribute_not_exists(#version)",
      values: {
        ":durations": { S: JSON.stringify(durations) },
        ":next": toNumber(version + 1),
        ...(seen && { ":seen": toNumber(version) }),
      },
    });
  }
}
