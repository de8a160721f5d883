// Loads and runs the program the way Pulumi's executor does.
import { types } from "node:util";

/**
 * Returns what the program exports.
 * @param thrown receives what the program threw while it was loaded, to tell it from later failures.
 */
export async function loadProgram(program: string | (() => unknown), thrown: Set<unknown>): Promise<unknown> {
  try {
    const exported = typeof program === "string" ? load(program) : program;
    return typeof exported === "function" ? await (exported as () => unknown)() : exported;
  } catch (cause) {
    thrown.add(cause);
    throw cause;
  }
}

function load(file: string): unknown {
  forget(require.resolve(file));
  const exported: unknown = require(file);
  // An ES module: its default export, if any, counts instead of the named ones.
  const { default: main } = types.isModuleNamespaceObject(exported) ? (exported as { default?: unknown }) : {};
  return main ?? exported;
}

/** Forgets the program's own modules, so that they run again; packages and this engine stay loaded. */
function forget(file: string, seen = new Set<string>()): void {
  const module = require.cache[file];
  if (!module || seen.has(file) || file.includes("/node_modules/") || file.startsWith(__dirname)) return;
  seen.add(file);
  for (const child of module.children) forget(child.filename, seen);
  delete require.cache[file];
}
