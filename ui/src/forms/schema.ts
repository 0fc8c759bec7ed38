// JSON Schema, as much of it as forms are made of. What a form cannot ask for is asked for as JSON.

import type { JsonValue } from "../api/schema";

export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: JsonValue;
  const?: JsonValue;
  enum?: JsonValue[];
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
}

export type Definitions = Record<string, Schema>;

/** What a `$ref` leads to, by its last step; as deep as it goes, within reason. */
export function resolved(schema: Schema, definitions: Definitions, depth = 0): Schema {
  if (schema.$ref === undefined || depth > 20) return schema;
  const found = definitions[schema.$ref.split("/").at(-1) ?? ""];
  if (found === undefined) return {};
  const { $ref: _, ...own } = schema;
  return { ...resolved(found, definitions, depth + 1), ...own };
}

export type Control =
  | { kind: "text"; isLong: boolean }
  | { kind: "number"; isWhole: boolean }
  | { kind: "flag" }
  | { kind: "choice"; choices: JsonValue[] }
  | { kind: "list"; of: "text" | "number" }
  | { kind: "choices"; choices: JsonValue[] }
  | { kind: "object"; properties: [string, Schema][]; required: string[] }
  | { kind: "json" };

/** By what to ask for a value, and whether null is one. */
export function controlOf(written: Schema, definitions: Definitions): { control: Control; isNullable: boolean; schema: Schema } {
  const schema = resolved(written, definitions);
  const branches = (schema.anyOf ?? schema.oneOf)?.map((each) => resolved(each, definitions));
  if (branches !== undefined) {
    const others = branches.filter((each) => each.type !== "null");
    const isNullable = others.length < branches.length;
    const only = others[0];
    if (others.length === 1 && only !== undefined) {
      const { anyOf: _, oneOf: __, ...own } = schema;
      return { ...controlOf({ ...only, ...own }, definitions), isNullable };
    }
    const choices = others.every((each) => each.enum !== undefined || each.const !== undefined) ? others.flatMap((each) => each.enum ?? [each.const ?? null]) : null;
    return { control: choices ? { kind: "choice", choices } : { kind: "json" }, isNullable, schema };
  }
  const types = Array.isArray(schema.type) ? schema.type.filter((type) => type !== "null") : [schema.type];
  const isNullable = Array.isArray(schema.type) && schema.type.includes("null");
  return { control: plainControl(schema, types.length === 1 ? types[0] : undefined, definitions), isNullable, schema };
}

function plainControl(schema: Schema, type: string | undefined, definitions: Definitions): Control {
  if (schema.const !== undefined) return { kind: "choice", choices: [schema.const] };
  if (schema.enum) return { kind: "choice", choices: schema.enum };
  switch (type) {
    case "string":
      return { kind: "text", isLong: (schema.maxLength ?? 0) > 1000 };
    case "integer":
    case "number":
      return { kind: "number", isWhole: type === "integer" };
    case "boolean":
      return { kind: "flag" };
    case "array": {
      const items = schema.items ? controlOf(schema.items, definitions).control : null;
      if (items?.kind === "choice") return { kind: "choices", choices: items.choices };
      if (items?.kind === "text" || items?.kind === "number") return { kind: "list", of: items.kind };
      return { kind: "json" };
    }
    case "object":
      return schema.properties && Object.keys(schema.properties).length > 0
        ? { kind: "object", properties: Object.entries(schema.properties), required: schema.required ?? [] }
        : { kind: "json" };
    default:
      return { kind: "json" };
  }
}
