// What the service can do, from its own description: nouns, what lists and reads them, and what can be done with them.

import { useQuery } from "@tanstack/react-query";

import { address, call, reach } from "../../api/call";
import type { Refusal } from "../../api/refusal";
import { ROUTES, type OperationName, type Permission } from "../../api/schema";
import type { Definitions, Schema } from "../../forms/schema";

export interface Action {
  name: OperationName;
  /** `cancel` of `runs_cancel`. */
  verb: string;
  summary: string;
  description: string;
  effect: "read" | "write" | "destructive";
  permission: Permission | null;
  /** What is given, of path, query and body together. */
  input: Schema;
  /** The part of the path that says which one: it is about one thing, and not about all. */
  key: string | null;
  body: Schema | null;
  /** Whether its list is also had as a table for spreadsheets. */
  hasCsv: boolean;
}

export interface Noun {
  name: string;
  about: string;
  list: Action | null;
  read: Action | null;
  actions: Action[];
}

export interface Api {
  nouns: Noun[];
  definitions: Definitions;
}

interface Parameter {
  name?: string;
  in?: string;
  required?: boolean;
  schema?: Schema;
  description?: string;
}

interface Operation {
  tags?: string[];
  operationId?: string;
  summary?: string;
  description?: string;
  parameters?: Parameter[];
  requestBody?: { content?: Record<string, { schema?: Schema }> };
  responses?: Record<string, { content?: Record<string, unknown> }>;
  "x-effect"?: Action["effect"];
  "x-permission"?: Permission;
}

interface Document {
  tags?: { name: string; description?: string }[];
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Definitions };
}

const PAGING = new Set(["limit", "cursor", "format"]);

export function useApi() {
  return useQuery<Api, Refusal>({
    queryKey: ["openapi"],
    staleTime: Infinity,
    queryFn: async ({ signal }) => apiOf((await (await reach(address("/openapi.json"), { signal })).json()) as Document),
  });
}

export function apiOf(document: Document): Api {
  const definitions = document.components?.schemas ?? {};
  const nouns = new Map<string, Noun>();
  for (const { name, description } of document.tags ?? []) nouns.set(name, { name, about: description ?? "", list: null, read: null, actions: [] });
  for (const operation of Object.values(document.paths).flatMap((path) => Object.values(path))) {
    const noun = nouns.get(operation.tags?.[0] ?? "");
    const action = actionOf(operation, definitions);
    if (noun === undefined || action === null) continue;
    if (action.verb === "list" || (action.name as string) === noun.name + "_list") noun.list = action;
    else if (action.verb === "get" && action.key !== null) noun.read = action;
    else noun.actions.push(action);
  }
  return { nouns: [...nouns.values()].filter((noun) => noun.list ?? noun.read ?? noun.actions[0]), definitions };
}

function actionOf(operation: Operation, definitions: Definitions): Action | null {
  const name = operation.operationId as OperationName | undefined;
  // What has no effect of its own is no action, and the stream of events has no end that a form could show.
  if (name === undefined || !(name in ROUTES) || operation["x-effect"] === undefined) return null;
  const parameters = (operation.parameters ?? []).filter((each) => each.name !== undefined && each.in !== "header" && !PAGING.has(each.name));
  const body = operation.requestBody?.content?.["application/json"]?.schema ?? null;
  if (Object.values(operation.responses ?? {}).some((each) => each.content?.["text/event-stream"] !== undefined)) return null;
  // What takes files or bytes is no form; the inbox is for these.
  if (operation.requestBody !== undefined && body === null) return null;
  const shape = body?.$ref ? (definitions[body.$ref.split("/").at(-1) ?? ""] ?? {}) : (body ?? {});
  const properties = Object.fromEntries(parameters.map((each) => [each.name ?? "", { ...each.schema, ...(each.description ? { description: each.description } : {}) }]));
  const required = parameters.filter((each) => each.required).map((each) => each.name ?? "");
  return {
    name,
    verb: name.slice(operation.tags?.[0] ? operation.tags[0].length + 1 : 0).replaceAll("_", " "),
    summary: operation.summary ?? name,
    description: operation.description ?? "",
    effect: operation["x-effect"] ?? "read",
    permission: operation["x-permission"] ?? null,
    input: { type: "object", properties: { ...properties, ...shape.properties }, required: [...required, ...(shape.required ?? [])] },
    key: parameters.find((each) => each.in === "path")?.name ?? null,
    body,
    hasCsv: (operation.parameters ?? []).some((each) => each.name === "format"),
  };
}

/** Do it: what was filled in goes where the operation takes it. */
export async function perform(action: Action, given: Record<string, unknown>, options: { signal?: AbortSignal } = {}): Promise<unknown> {
  const path = ROUTES[action.name].path;
  const inPath = Object.entries(given).filter(([name]) => path.includes(`{${name}}`));
  const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !path.includes(`{${name}}`)));
  const parts = Object.fromEntries(inPath.map(([name, value]) => [name, String(value)]));
  const sent = { path: parts, ...(action.body === null ? { query: rest } : { body: rest }) };
  return (call as (name: OperationName, given: unknown, options: unknown) => Promise<unknown>)(action.name, sent, {
    ...options,
    ...(action.effect === "write" ? { isOnce: true } : {}),
  });
}
