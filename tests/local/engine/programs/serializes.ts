// Serializes a function, for which the SDK needs the TypeScript compiler; tells whether it was loaded before.
import * as pulumi from "@pulumi/pulumi";

const isLoaded = (): boolean =>
  Object.keys(require.cache).some((file) => file.endsWith("typescript/lib/typescript.js"));

export const before = isLoaded();
export const text = pulumi.runtime.serializeFunction((one: number) => one + 1).then(({ text: code }) => code);
