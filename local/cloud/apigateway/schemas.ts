// JSON schemas of request bodies: references between models, and validation with the draft that API Gateway uses.
import Ajv from "ajv-draft-04";
import type { JsonSchema } from "./definition";

const REFERENCE =
  /^(?:#\/(?:definitions|components\/schemas)|https:\/\/apigateway\.amazonaws\.com\/restapis\/[^/]+\/models)\/(.+)$/;

/** A model with all others as its definitions, so that references resolve; undefined when there is no such model. */
export function modelSchema(models: ReadonlyMap<string, JsonSchema>, name: string): JsonSchema | undefined {
  const schema = models.get(name);
  if (!schema) return undefined;
  const definitions = Object.fromEntries([...models].map(([key, value]) => [key, localReferences(value)]));
  return { ...(localReferences(schema) as JsonSchema), definitions };
}

function localReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(localReferences);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value)
    .filter(([key]) => key !== "$schema" && key !== "definitions")
    .map(([key, item]) => {
      const target = key === "$ref" && typeof item === "string" ? REFERENCE.exec(item)?.[1] : undefined;
      return [key, target === undefined ? localReferences(item) : `#/definitions/${target}`];
    });
  return Object.fromEntries(entries);
}

/** Why a schema cannot be compiled; undefined when it can. */
export function schemaProblem(schema: JsonSchema): string | undefined {
  try {
    compile(schema);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

type Validate = (value: unknown) => boolean;
const compiled = new WeakMap<JsonSchema, Validate>();

/** Whether a body fits a schema. */
export function isValidBody(schema: JsonSchema, body: string): boolean {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return false;
  }
  let validate = compiled.get(schema);
  if (!validate) {
    validate = compile(schema);
    compiled.set(schema, validate);
  }
  return validate(value);
}

function compile(schema: JsonSchema): Validate {
  // Formats are notes to API Gateway, and OpenAPI adds keywords of its own.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const validate = ajv.compile(schema);
  return (value) => validate(value);
}
