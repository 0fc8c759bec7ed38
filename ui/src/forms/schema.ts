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
  patternProperties?: Record<string, Schema>;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  $ref?: string;
}

/** Schemas may hold themselves: so deep is looked, and what is deeper is asked for as text. */
const DEPTH_MAX = 6;

export type Definitions = Record<string, Schema>;

const UNITS: Record<string, string> = { s: "seconds", ms: "milliseconds", usd: "USD", bytes: "bytes", days: "days", hours: "hours" };

/** What people read before a value: the title of its schema, else its name in words, with its unit. */
export function labelOf(name: string, schema: Schema): string {
  if (schema.title) return schema.title;
  const words = name.split("_");
  const unit = words.length > 1 ? UNITS[words.at(-1) ?? ""] : undefined;
  const said = (unit === undefined ? words : words.slice(0, -1)).join(" ").replace(/\bid$/, "ID");
  return `${said.charAt(0).toUpperCase()}${said.slice(1)}${unit === undefined ? "" : ` (${unit})`}`;
}

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
  /** Names of one's own, each with a text or a number. */
  | { kind: "map"; of: "text" | "number" }
  /** One of several quite different ways to say it. */
  | { kind: "variants"; variants: { name: string; schema: Schema }[] }
  | { kind: "json" };

/** By what to ask for a value, and whether null is one. */
export function controlOf(written: Schema, definitions: Definitions, depth = 0): { control: Control; isNullable: boolean; schema: Schema } {
  const schema = resolved(written, definitions);
  if (depth > DEPTH_MAX) return { control: { kind: "json" }, isNullable: false, schema };
  // Beside properties they say only which of these go together.
  const branches = schema.properties ? undefined : (schema.anyOf ?? schema.oneOf)?.map((each) => resolved(each, definitions));
  if (branches !== undefined) {
    const others = branches.filter((each) => each.type !== "null");
    const isNullable = others.length < branches.length;
    const only = others[0];
    if (others.length === 1 && only !== undefined) {
      const { anyOf: _, oneOf: __, ...own } = schema;
      return { ...controlOf({ ...only, ...own }, definitions, depth + 1), isNullable };
    }
    const choices = others.every((each) => each.enum !== undefined || each.const !== undefined) ? others.flatMap((each) => each.enum ?? [each.const ?? null]) : null;
    if (choices) return { control: { kind: "choice", choices }, isNullable, schema };
    const named = others.map((each) => nameOf(each, definitions, depth + 1));
    const isClear = named.every((name, index) => name !== null && named.indexOf(name) === index);
    return { control: isClear ? { kind: "variants", variants: others.map((each, index) => ({ name: named[index] ?? "", schema: each })) } : { kind: "json" }, isNullable, schema };
  }
  if (schema.type === undefined && schema.enum === undefined && schema.const === undefined && Array.isArray(schema.allOf) && schema.allOf.length === 1 && schema.allOf[0]) {
    const { allOf: [only], ...own } = schema as Schema & { allOf: [Schema] };
    return controlOf({ ...only, ...own }, definitions, depth + 1);
  }
  const types = Array.isArray(schema.type) ? schema.type.filter((type) => type !== "null") : [schema.type];
  const isNullable = Array.isArray(schema.type) && schema.type.includes("null");
  return { control: plainControl(schema, types.length === 1 ? types[0] : undefined, definitions, depth), isNullable, schema };
}

function plainControl(schema: Schema, type: string | undefined, definitions: Definitions, depth: number): Control {
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
      const items = schema.items ? controlOf(schema.items, definitions, depth + 1).control : null;
      if (items?.kind === "choice") return { kind: "choices", choices: items.choices };
      if (items?.kind === "text" || items?.kind === "number") return { kind: "list", of: items.kind };
      return { kind: "json" };
    }
    case "object":
      return schema.properties && Object.keys(schema.properties).length > 0
        ? { kind: "object", properties: Object.entries(schema.properties), required: schema.required ?? [] }
        : mapControl(schema, definitions, depth);
    default:
      return { kind: "json" };
  }
}

function mapControl(schema: Schema, definitions: Definitions, depth: number): Control {
  const values = typeof schema.additionalProperties === "object" ? schema.additionalProperties : Object.values(schema.patternProperties ?? {})[0];
  const of = values ? controlOf(values, definitions, depth + 1).control.kind : null;
  return of === "text" || of === "number" ? { kind: "map", of } : { kind: "json" };
}

/** How one of several ways is called; null for one that says too little to be told from others. */
function nameOf(schema: Schema, definitions: Definitions, depth: number): string | null {
  const { control } = controlOf(schema, definitions, depth);
  switch (control.kind) {
    case "choice":
      return "one of a few";
    case "choices":
    case "list":
      return "a list";
    case "text":
      return "a text";
    case "number":
      return "a number";
    case "flag":
      return "yes or no";
    case "map":
      return "by name";
    case "object":
      return "in detail";
    default:
      return null;
  }
}

/** Which of the ways a value is written in; the first, if in none. */
export function variantOf(value: JsonValue | undefined, variants: { schema: Schema }[], definitions: Definitions): number {
  const fits = ({ schema }: { schema: Schema }): boolean => {
    const { control } = controlOf(schema, definitions);
    switch (control.kind) {
      case "choice":
        return control.choices.some((choice) => choice === value);
      case "choices":
      case "list":
        return Array.isArray(value);
      case "text":
        return typeof value === "string";
      case "number":
        return typeof value === "number";
      case "flag":
        return typeof value === "boolean";
      case "map":
      case "object":
        return typeof value === "object" && value !== null && !Array.isArray(value);
      default:
        return false;
    }
  };
  return Math.max(0, variants.findIndex(fits));
}
