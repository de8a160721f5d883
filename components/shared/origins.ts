// Rules over the origins of pages.
import type { Rule } from "./validation";

/** Rules over a list of origins. @param anyOrigin what has to be said about "*": `undefined` forbids it. */
export function originRules(
  origins: readonly string[],
  {
    use,
    anyOrigin,
  }: { readonly use: string; readonly anyOrigin?: { readonly accepted: boolean; readonly remedy: string } },
): Rule[] {
  const property = "allowedOrigins";
  return [
    {
      property,
      holds: origins.length > 0,
      rule: "name at least one origin",
      got: origins,
      remedy: `list the pages that ${use}`,
    },
    {
      property,
      holds: anyOrigin?.accepted === true || !origins.includes("*"),
      rule: 'not hold "*"',
      got: origins,
      remedy: anyOrigin?.remedy ?? "list the origins",
    },
    {
      property,
      holds: origins.every((origin) => origin === "*" || isOrigin(origin)),
      rule: "be origins: https, host, optional port, and nothing more",
      got: origins,
      remedy: 'write "https://app.example.com" (http is accepted for localhost and 127.0.0.1 only)',
    },
  ];
}

function isOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { origin, protocol, hostname } = new URL(text);
  return origin === text && (protocol === "https:" || hostname === "localhost" || hostname === "127.0.0.1");
}
