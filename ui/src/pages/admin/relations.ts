// What a row names, and what names it, read from the service's description: a value `run_id` names what is read by a `run_id`, and
// a list that filters by `run_id` is of what names a run.

import type { JsonValue } from "../../api/schema";
import type { Api, Noun } from "./api";

export interface Target {
  noun: string;
  id: string;
}

export interface Naming {
  noun: string;
  filters: Record<string, JsonValue>;
}

// Where a value's name is not that of what it names.
const ALIASES: Record<string, string> = {
  llm_call_id: "call_id",
  forked_from: "run_id",
  reuse_from: "run_id",
  reused_from: "run_id",
  root_id: "run_id",
  invited_by: "user_id",
};

/** What a value of a row names; null: nothing that can be looked at. */
export function targetOf(api: Api, noun: Noun, name: string, value: JsonValue | undefined): Target | null {
  if (typeof value !== "string" || value === "") return null;
  if (name === "id") return noun.read === null ? null : { noun: noun.name, id: value };
  if (name === "parent_id") return noun.read === null ? null : { noun: noun.name, id: value };
  const key = ALIASES[name] ?? name;
  if (noun.read?.key === key && name === key) return { noun: noun.name, id: value };
  const found = api.nouns.find((each) => each.read?.key === key && each.read.verb === "get");
  return found === undefined ? null : { noun: found.name, id: value };
}

/** Lists of what names a row. */
export function namedBy(api: Api, noun: Noun, row: Record<string, JsonValue>): Naming[] {
  const key = noun.read?.key;
  const id = idOf(noun, row);
  if (!key || id === null) return [];
  return api.nouns.flatMap(({ name, list }) => {
    const filters = Object.keys(list?.input.properties ?? {});
    const filter = filters.includes(key) ? key : name === noun.name && filters.includes("parent_id") ? "parent_id" : null;
    return filter === null ? [] : [{ noun: name, filters: { [filter]: id } }];
  });
}

/** By what a row is read: its key's own value, its id, or its name. */
export function idOf(noun: Noun, row: Record<string, JsonValue>): string | null {
  const key = noun.read?.key ?? noun.actions.find((action) => action.key !== null)?.key;
  if (!key) return null;
  const own = row[key] ?? (key.endsWith("_id") ? row.id : undefined) ?? (noun.name.startsWith(key) ? (row.name ?? row.id) : undefined);
  return typeof own === "string" ? own : null;
}

/** The rows of a page of a list; of what holds more than rows, those that are called as the noun is. */
export function rowsOf(noun: string, page: Record<string, unknown> | undefined): Record<string, JsonValue>[] {
  const found = page?.items ?? (page !== undefined && Object.hasOwn(page, noun) ? page[noun] : undefined);
  return Array.isArray(found) ? (found as Record<string, JsonValue>[]) : [];
}
