// Names of attributes in DynamoDB expressions.

/** Every attribute goes by an alias ("#state"), so that reserved words need no thought. */
export function namesOf(expression: string): { readonly ExpressionAttributeNames?: Readonly<Record<string, string>> } {
  const aliases = expression.match(/#\w+/g) ?? [];
  if (aliases.length === 0) return {};
  return { ExpressionAttributeNames: Object.fromEntries(aliases.map((alias) => [alias, alias.slice(1)])) };
}
