// The environment of processes that run a program.
import * as os from "node:os";
import * as path from "node:path";

// What would configure the loader or Pulumi by accident, or hand the developer's AWS account to the program.
const REFUSED = /^(?:TS_NODE_|TSX_|PULUMI_|AWS_|ARM_|GOOGLE_|AZURE_)/i;

/** The environment without leftovers and without the developer's credentials, plus `extra`. */
export function programEnvironment(
  from: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>> = {},
): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(from).filter(([name]) => !REFUSED.test(name))),
    // ~/.aws and the metadata service would be next in the AWS SDK's chain.
    AWS_CONFIG_FILE: os.devNull,
    AWS_SHARED_CREDENTIALS_FILE: os.devNull,
    AWS_EC2_METADATA_DISABLED: "true",
    ...extra,
  };
}

/** Arguments that let Node load TypeScript: tsx, else ts-node without type check, else none. */
export function loaderArguments(): string[] {
  for (const loader of ["tsx/cjs", "ts-node/register/transpile-only"]) {
    try {
      return ["-r", require.resolve(loader)];
    } catch {
      // Not installed: the next one.
    }
  }
  return [];
}

/** A module beside this engine, compiled or not. */
export const ownModule = (name: string): string => path.join(__dirname, name + path.extname(__filename));
