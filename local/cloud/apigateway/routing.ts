// Finds the method that answers a request: exact segments before {parameters} before {proxy+}.
import type { ApiSnapshot, MethodDefinition } from "./definition";

/** The resource that a path leads to, with the parameters as sent. */
export interface RouteMatch {
  readonly path: string;
  /** Still percent-encoded, as API Gateway passes them on. */
  readonly parameters: Readonly<Record<string, string>>;
}

interface RouteNode {
  path?: string;
  readonly exact: Map<string, RouteNode>;
  parameter?: { readonly name: string; readonly node: RouteNode };
  greedy?: { readonly name: string; readonly path: string };
}

const trees = new WeakMap<ApiSnapshot, RouteNode>();

/** The resource for a path inside the stage ("/uploads/7"); undefined when none fits. A trailing slash counts for nothing. */
export function matchRoute(snapshot: ApiSnapshot, path: string): RouteMatch | undefined {
  let tree = trees.get(snapshot);
  if (!tree) {
    tree = buildTree(snapshot.paths);
    trees.set(snapshot, tree);
  }
  const segments = path
    .split("/")
    .filter((segment, index, all) => segment !== "" || (index > 0 && index < all.length - 1));
  return walk(tree, segments, {});
}

/** The method for a verb on a resource: its own before ANY. */
export function findMethod(snapshot: ApiSnapshot, path: string, verb: string): MethodDefinition | undefined {
  const methods = snapshot.methods.filter((method) => method.path === path);
  return (
    methods.find(({ httpMethod }) => httpMethod === verb) ?? methods.find(({ httpMethod }) => httpMethod === "ANY")
  );
}

function buildTree(paths: readonly string[]): RouteNode {
  const root: RouteNode = { exact: new Map() };
  for (const path of paths) {
    let node = root;
    const segments = path.split("/").filter((segment) => segment !== "");
    for (const segment of segments) {
      const greedy = /^\{(.+)\+\}$/.exec(segment)?.[1];
      if (greedy !== undefined) {
        node.greedy = { name: greedy, path };
        break;
      }
      node = childOf(node, segment);
    }
    if (!path.endsWith("+}")) node.path = path;
  }
  return root;
}

function childOf(node: RouteNode, segment: string): RouteNode {
  const parameter = /^\{(.+)\}$/.exec(segment)?.[1];
  if (parameter !== undefined) {
    node.parameter ??= { name: parameter, node: { exact: new Map() } };
    return node.parameter.node;
  }
  const child = node.exact.get(segment) ?? { exact: new Map() };
  node.exact.set(segment, child);
  return child;
}

function walk(
  node: RouteNode,
  segments: readonly string[],
  found: Readonly<Record<string, string>>,
): RouteMatch | undefined {
  const [first, ...rest] = segments;
  if (first === undefined) return node.path === undefined ? undefined : { path: node.path, parameters: found };
  const exact = node.exact.get(decode(first));
  const byName = exact && walk(exact, rest, found);
  if (byName) return byName;
  const byParameter = node.parameter && walk(node.parameter.node, rest, { ...found, [node.parameter.name]: first });
  if (byParameter) return byParameter;
  if (!node.greedy) return undefined;
  return { path: node.greedy.path, parameters: { ...found, [node.greedy.name]: segments.join("/") } };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
