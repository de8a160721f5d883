// Resource models of DynamoDB: the table.
import { nameOf, regionOf, tagOutputs, textIn } from "../core/input-reader";
import type { PropertyMap, RealisedResource, ResourceContext, ResourceModel } from "../core/resource-model";
import { checkTable, createTableInput, tableSettings } from "./definition";
import { tableArn, type Tables } from "./tables";
import type { TimeToLive } from "./time-to-live";

const MAX_NAME_LENGTH = 255;

/** Model of `aws.dynamodb.Table`. */
export function tableModel(tables: Tables, expiry: TimeToLive): ResourceModel {
  const find = (outputs: PropertyMap): ReturnType<Tables["find"]> => tables.find(textIn(outputs, "arn"));
  return {
    type: "aws:dynamodb/table:Table",
    fidelity: "realised",
    summary:
      "A table in memory with items, indexes, transactions and time to live. Streams, replicas, restores and PartiQL are refused; " +
      "encryption, recovery, capacity and table class are only shown.",
    check: (inputs) => checkTable(inputs).problems,
    async create(inputs, context) {
      const name = nameOf(inputs, context, MAX_NAME_LENGTH);
      const region = regionOf(inputs, context);
      await tables.create(context.accountId, region, createTableInput(inputs, name), tableSettings(inputs));
      expiry.plan();
      return realised(inputs, context, name);
    },
    async update(_id, inputs, old, context) {
      const name = nameOf(inputs, context, MAX_NAME_LENGTH, old);
      const region = regionOf(inputs, context);
      const table = find(old);
      const definition = createTableInput(inputs, name);
      if (table?.name === name && table.region === region)
        await tables.update(table, definition, tableSettings(inputs));
      else {
        await tables.create(context.accountId, region, definition, tableSettings(inputs));
        if (table) await tables.delete(table);
      }
      expiry.plan();
      return realised(inputs, context, name);
    },
    async delete(_id, outputs) {
      const table = find(outputs);
      if (table) await tables.delete(table);
    },
  };
}

/** Outputs as the provider returns them. */
function realised(inputs: PropertyMap, context: ResourceContext, name: string): RealisedResource {
  const region = regionOf(inputs, context);
  const settings = tableSettings(inputs);
  const outputs: PropertyMap = {
    readCapacity: 0,
    writeCapacity: 0,
    billingMode: "PROVISIONED",
    tableClass: "STANDARD",
    deletionProtectionEnabled: false,
    globalSecondaryIndexes: [],
    localSecondaryIndexes: [],
    ...inputs,
    id: name,
    name,
    region,
    arn: tableArn(context.accountId, region, name),
    streamEnabled: false,
    streamArn: "",
    streamLabel: "",
    streamViewType: "",
    ttl: { attributeName: settings.ttlAttribute ?? "", enabled: settings.ttlAttribute !== undefined },
    pointInTimeRecovery: {
      enabled: settings.pointInTimeRecovery,
      recoveryPeriodInDays: settings.pointInTimeRecovery ? settings.recoveryPeriodDays : 0,
    },
    ...tagOutputs(inputs, context),
  };
  return { id: name, outputs };
}
