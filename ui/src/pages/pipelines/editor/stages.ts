// What one does to a pipeline on the canvas, as changes of its document's data: whoever names a stage that is gone or called otherwise is
// changed with it. None of these reads or writes a text.

import type { JsonValue, StageKindInfo } from "../../../api/schema";
import { own } from "../../../api/own";
import { nameIn, SOURCE, wiringOf, type Wired } from "../../../graph/wiring";
import { isObject, type Json } from "./text";

export const stagesOf = (data: Json): Json => (isObject(data.stages) ? data.stages : {});
export const entryOf = (data: Json, name: string): Json | null => {
  const entry = own(stagesOf(data), name);
  return isObject(entry) ? entry : null;
};
export const wiredOf = (data: Json): Wired[] => wiringOf({ document: data });

const NAME = /^[a-z][a-z0-9_]*$/;
const RESERVED = new Set([SOURCE, "item", "run", "content", "thread"]);

/** Why a stage cannot be called that; null: it can. */
export function nameProblem(data: Json, name: string, now: string | null): string | null {
  if (!NAME.test(name)) return "A name has small letters, digits and _, and begins with a letter.";
  if (RESERVED.has(name)) return `${name} means something else already.`;
  return name !== now && Object.hasOwn(stagesOf(data), name) ? `There is a stage ${name} already.` : null;
}

function freeName(data: Json, wanted: string): string {
  const taken = stagesOf(data);
  const free = (name: string) => !Object.hasOwn(taken, name) && !RESERVED.has(name);
  if (free(wanted)) return wanted;
  for (let number = 2; ; number += 1) if (free(`${wanted}_${number}`)) return `${wanted}_${number}`;
}

export interface Made {
  data: Json;
  name: string;
}

/** A stage of a kind, after another one where one is named: it reads what that puts out. */
export function withStage(data: Json, kind: StageKindInfo, after: string | null): Made {
  const name = freeName(data, kind.name === "python" ? (kind.functions[0]?.name.split("@")[0] ?? "step") : kind.name);
  const entry: Json = { uses: kind.name };
  const behind = after === null || after === SOURCE || !Object.hasOwn(stagesOf(data), after) ? null : after;
  if (behind !== null) entry.inputs = kind.group === "model" ? [SOURCE, behind] : [behind];
  const config = startOf(kind);
  if (Object.keys(config).length > 0) entry.with = config;
  return { data: inserted(data, name, entry, behind), name };
}

/** What has to be said of a stage of this kind, as far as it can be begun. */
function startOf(kind: StageKindInfo): Json {
  if (kind.name === "python") return { function: kind.functions[0]?.name ?? "" };
  const required = Array.isArray(kind.options.required) ? kind.options.required.filter((each) => typeof each === "string") : [];
  const properties = isObject(kind.options.properties) ? kind.options.properties : {};
  return Object.fromEntries(required.map((each) => [each, emptyOf(properties[each])]));
}

function emptyOf(schema: JsonValue | undefined): JsonValue {
  if (!isObject(schema)) return "";
  if (schema.default !== undefined) return schema.default;
  const branch = Array.isArray(schema.anyOf) ? schema.anyOf[0] : undefined;
  if (branch !== undefined) return emptyOf(branch);
  if (schema.type === "object") return {};
  if (schema.type === "array") return [];
  return schema.type === "integer" || schema.type === "number" ? (schema.minimum ?? 1) : "";
}

function inserted(data: Json, name: string, entry: Json, after: string | null): Json {
  const stages = Object.entries(stagesOf(data));
  const at = after === null ? stages.length : stages.findIndex(([each]) => each === after) + 1;
  return { ...data, stages: Object.fromEntries([...stages.slice(0, at), [name, entry], ...stages.slice(at)]) };
}

export function duplicated(data: Json, name: string): Made {
  const made = freeName(data, `${name}_copy`);
  return { data: inserted(data, made, structuredClone(entryOf(data, name) ?? {}), name), name: made };
}

export function withEntry(data: Json, name: string, entry: Json): Json {
  return { ...data, stages: { ...stagesOf(data), [name]: entry } };
}

export function without(data: Json, name: string): Json {
  const { [name]: _, ...stages } = stagesOf(data);
  const { output, ...head } = data;
  const left = Object.fromEntries(Object.entries(stages).map(([each, entry]) => [each, isObject(entry) ? forgotten(entry, name) : entry]));
  return { ...(output === name || output === undefined ? head : data), stages: left };
}

const LISTS = ["inputs", "needs", "else_of", "cancels"];

function forgotten(entry: Json, name: string): Json {
  const left = Object.entries(entry).flatMap(([key, value]): [string, JsonValue][] => {
    if (key === "on_failure" && value === name) return [];
    if (key === "each" && rootOf(value) === name) return [];
    if (!LISTS.includes(key) || !Array.isArray(value)) return [[key, value]];
    const others = value.filter((each) => nameIn(each) !== name);
    // What read only this stage has nothing else to read: without an entry that is the source.
    return others.length > 0 || value.length === 0 ? [[key, others]] : [];
  });
  return Object.fromEntries(left);
}

/** The same for the stage under its other name; its own key is not changed here, since that stands in a text. */
export function renamedIn(data: Json, from: string, to: string): Json {
  const stages = Object.entries(stagesOf(data)).map(([each, entry]): [string, JsonValue] => [each === from ? to : each, isObject(entry) ? renamedEntry(entry, from, to) : entry]);
  return { ...data, ...(data.output === from ? { output: to } : {}), stages: Object.fromEntries(stages) };
}

function renamedEntry(entry: Json, from: string, to: string): Json {
  const made = { ...entry };
  for (const key of LISTS) {
    const list = made[key];
    if (Array.isArray(list)) made[key] = list.map((each) => renamedReference(each, from, to));
  }
  if (made.on_failure === from) made.on_failure = to;
  if (typeof made.when === "string") made.when = renamedInCondition(made.when, from, to);
  if (typeof made.each === "string") made.each = renamedPath(made.each, from, to);
  if (isObject(made.each) && typeof made.each.over === "string") made.each = { ...made.each, over: renamedPath(made.each.over, from, to) };
  if (isObject(made.with)) made.with = renamedOptions(made.with, from, to);
  return made;
}

function renamedReference(reference: JsonValue, from: string, to: string): JsonValue {
  if (nameIn(reference) !== from) return reference;
  if (isObject(reference)) return { ...reference, stage: to };
  return typeof reference === "string" && reference.endsWith("?") ? `${to}?` : to;
}

/** Options that name an input, or a place in one. */
const PATHS = ["query_from", "body_from", "until"];

function renamedOptions(options: Json, from: string, to: string): Json {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [key, PATHS.includes(key) && typeof value === "string" ? renamedPath(value, from, to) : value]));
}

const renamedPath = (path: string, from: string, to: string): string => (path === from || path.startsWith(`${from}.`) ? to + path.slice(from.length) : path);

/** A condition reads stages by their names: those that stand for themselves, not in texts and not as fields of something else. */
export function renamedInCondition(text: string, from: string, to: string): string {
  return text.replace(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\.\s*[A-Za-z_]\w*|[A-Za-z_]\w*/g, (token) => (token === from ? to : token));
}

const rootOf = (each: JsonValue | undefined): string | undefined => {
  const path = isObject(each) ? each.over : each;
  return typeof path === "string" ? path.split(".")[0] : undefined;
};

/** Another stage, or the source, is read too. */
export function connected(data: Json, from: string, to: string): Json {
  const entry = entryOf(data, to);
  if (entry === null) return data;
  const inputs = inputsOf(entry);
  if (inputs.some((each) => nameIn(each) === from)) return data;
  const { needs, ...rest } = entry;
  const left = Array.isArray(needs) ? needs.filter((each) => nameIn(each) !== from) : [];
  const made: Json = left.length > 0 ? { ...entry, needs: left } : rest;
  return withEntry(data, to, { ...made, inputs: [...inputs, from] });
}

export function disconnected(data: Json, from: string, to: string): Json {
  const entry = entryOf(data, to);
  if (entry === null) return data;
  const made = { ...entry, inputs: inputsOf(entry).filter((each) => nameIn(each) !== from) };
  const needs = Array.isArray(entry.needs) ? entry.needs.filter((each) => nameIn(each) !== from) : [];
  return withEntry(data, to, needs.length > 0 ? { ...made, needs } : (({ needs: _, ...rest }: Json) => rest)(made));
}

export const inputsOf = (entry: Json): JsonValue[] => (Array.isArray(entry.inputs) ? entry.inputs : [SOURCE]);

/** Stages that one could read without waiting for itself, and does not read yet. */
export function targetsOf(data: Json, from: string): string[] {
  const wired = wiredOf(data);
  const before = new Set([from]);
  for (let grew = true; grew; ) {
    const more = wired.filter((stage) => before.has(stage.name)).flatMap((stage) => stage.upstream.filter((each) => !before.has(each)));
    for (const each of more) before.add(each);
    grew = more.length > 0;
  }
  return wired.filter((stage) => !before.has(stage.name) && !stage.reads.includes(from)).map((stage) => stage.name);
}

/** The stage that a problem is of. */
export function stageAt(place: string): string | null {
  return /^stages\.([^.[]+)/.exec(place)?.[1] ?? null;
}
