// What of a stage's entry is asked for by a form: the documents' own schema, with the names of this pipeline's stages where they belong.

import type { JsonValue } from "../../../api/schema";
import type { Definitions, Schema } from "../../../forms/schema";
import { nameIn } from "../../../graph/wiring";
import { inputsOf, stagesOf } from "./stages";
import { isObject, type Json } from "./text";

/** In the order in which they are asked for. */
const FLOW = ["when", "else_of", "join", "needs", "each", "on_failure", "cancels", "retries", "timeout_s", "deadline_s", "model", "result"];
const HEAD = ["name", "description", "input", "model", "deadline_s", "priority", "output"];

export interface DocumentSchema {
  stage: Record<string, Schema>;
  head: Record<string, Schema>;
  definitions: Definitions;
}

export function documentSchemaOf(schema: Json): DocumentSchema {
  const definitions = (isObject(schema.definitions) ? schema.definitions : {}) as Definitions;
  return { stage: definitions.stage?.properties ?? {}, head: (isObject(schema.properties) ? schema.properties : {}) as Record<string, Schema>, definitions };
}

const picked = (from: Record<string, Schema>, names: string[]) => names.flatMap((name): [string, Schema][] => (from[name] ? [[name, from[name]]] : []));

/** When a stage runs and what its failure means. */
export function flowSchema({ stage }: DocumentSchema, data: Json, name: string, entry: Json): Schema {
  const others = Object.keys(stagesOf(data)).filter((each) => each !== name);
  const listed = (key: string, more: string[] = []): Schema => {
    const said = entry[key];
    const written = Array.isArray(said) ? said.filter((each) => typeof each === "string") : [];
    return { ...about(stage[key]), type: "array", items: { enum: [...new Set([...more, ...others, ...written])] } };
  };
  const properties = Object.fromEntries(picked(stage, FLOW));
  const read = inputsOf(entry).map(nameIn);
  const left = { ...listed("needs"), items: { enum: others.filter((each) => !read.includes(each)) } };
  return {
    type: "object",
    properties: {
      ...properties,
      else_of: listed("else_of"),
      needs: optionalSaid(entry.needs) ? (properties.needs ?? {}) : left,
      cancels: entry.cancels === "*" ? (properties.cancels ?? {}) : listed("cancels"),
      result: { ...properties.result, default: true },
      on_failure: { ...about(properties.on_failure), default: "fail", enum: ["fail", "continue", ...others] },
    },
  };
}

const about = (schema: Schema | undefined): Schema => (schema?.description ? { description: schema.description } : {});
const optionalSaid = (needs: JsonValue | undefined): boolean => Array.isArray(needs) && needs.some((each) => typeof each !== "string" || each.endsWith("?"));

/** What is said of the pipeline as a whole. */
export function headSchema({ head }: DocumentSchema, data: Json): Schema {
  const properties = Object.fromEntries(picked(head, HEAD));
  return { type: "object", required: ["name"], properties: { ...properties, output: { ...about(properties.output), enum: Object.keys(stagesOf(data)) } } };
}

/** Values of these names, and the rest of a mapping as it was. */
export function mixed(whole: Json, part: Json, names: string[]): Json {
  const kept = Object.entries(whole).flatMap(([key, value]): [string, JsonValue][] => (!names.includes(key) ? [[key, value]] : part[key] === undefined ? [] : [[key, part[key]]]));
  const fresh = names.flatMap((key): [string, JsonValue][] => (key in whole || part[key] === undefined ? [] : [[key, part[key]]]));
  return Object.fromEntries([...kept, ...fresh]);
}

/** What is new of the pipeline as a whole stands before its stages. */
export function withHead(data: Json, head: Json): Json {
  const { stages, ...rest } = data;
  return { ...mixed(rest, head, HEAD), ...(stages === undefined ? {} : { stages }) };
}
