// Loaded first in the child: what the SDK needs only to serialize functions is loaded when a program does so, not at every
// start, of which it would be a third.
import Module, { createRequire } from "node:module";

const sdk = createRequire(require.resolve("@pulumi/pulumi"));

for (const name of ["./typescript-shim", "@npmcli/arborist"]) {
  const filename = sdk.resolve(name);
  const stand = Object.assign(new Module(filename), { filename, loaded: true });
  let real: object | undefined;
  const load = (): object => {
    if (require.cache[filename] === stand) Reflect.deleteProperty(require.cache, filename);
    return (real ??= sdk(name) as object);
  };
  stand.exports = new Proxy(
    {},
    {
      // The SDK's own imports ask for this one first, whether anything is used or not.
      get: (_, property) => (property === "__esModule" ? true : (Reflect.get(load(), property) as unknown)),
      has: (_, property) => Reflect.has(load(), property),
    },
  );
  require.cache[filename] ??= stand;
}
