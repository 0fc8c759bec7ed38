// A document's text changed as little as a change of its data needs: comments, order and the author's own way of writing stay.
//
// Invariant: what comes out reads as the data that was asked for. Changes are made at their places in the text; where that does not come
// out right, the whole is written anew from its nodes, comments included.

import { Document, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Pair, type YAMLMap } from "yaml";

import type { JsonValue } from "../../../api/schema";
import { own } from "../../../api/own";

export type Json = Record<string, JsonValue>;
export const isObject = (value: JsonValue | undefined): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);

export interface Reading {
  /** Null where the text cannot be read. */
  data: Json | null;
  error: { message: string; line: number | null } | null;
  /** The line, from 1, on which what is at a path begins. */
  lineOf: (path: readonly string[]) => number | null;
}

type Path = readonly string[];
const WIDTH = 120;
const FLOW_WIDTH = 90;
const READ = { prettyErrors: true, uniqueKeys: true } as const;
const WRITE = { lineWidth: WIDTH, flowCollectionPadding: false, indent: 2 } as const;

export function readText(text: string): Reading {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...READ, lineCounter: lines });
  const [first] = document.errors;
  const lineOf = (path: Path) => {
    const pair = pairAt(document, path);
    const start = rangeOf(pair?.key)?.[0];
    return start === undefined ? null : lines.linePos(start).line;
  };
  if (first !== undefined) return { data: null, error: { message: first.message.split(" at line")[0] ?? first.message, line: first.linePos?.[0].line ?? null }, lineOf };
  const data = dataOf(document);
  return isObject(data) ? { data, error: null, lineOf } : { data: null, error: { message: "It is no mapping: a document begins with tegu: 1, name: ..., stages: ...", line: 1 }, lineOf };
}

/** The text that says this data. */
export function rewritten(text: string, data: Json): string {
  const before = readText(text).data;
  if (before === null) return text;
  let made = text;
  for (const edit of editsBetween(before, data)) made = edited(made, edit);
  return says(made, data) ? made : anew(text, before, data);
}

/** The same with another key at a path. */
export function rekeyed(text: string, path: Path, name: string): string {
  const range = rangeOf(pairAt(parseDocument(text, READ), path)?.key);
  return range ? text.slice(0, range[0]) + keyText(name) + text.slice(range[1]) : text;
}

type Edit = { path: Path; is: "gone" } | { path: Path; is: "set"; value: JsonValue; after: string | null };

/** What makes of the one the other, at the deepest places at which they differ. */
function editsBetween(before: Json, after: Json, path: Path = []): Edit[] {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key)).map((key): Edit => ({ path: [...path, key], is: "gone" }));
  let last: string | null = null;
  const set = Object.entries(after).flatMap(([key, value]): Edit[] => {
    const at = [...path, key];
    const was = own(before, key);
    const previous = last;
    last = key;
    if (same(was, value)) return [];
    if (isObject(was) && isObject(value) && Object.keys(was).length > 0 && Object.keys(value).length > 0) return editsBetween(was, value, at);
    return [{ path: at, is: "set", value, after: previous }];
  });
  return [...set, ...gone];
}

function edited(text: string, edit: Edit): string {
  const document = parseDocument(text, READ);
  const map = document.getIn(edit.path.slice(0, -1), true);
  const key = edit.path.at(-1) ?? "";
  if (!isMap(map)) return text;
  const at = map.items.findIndex((pair) => keyOf(pair) === key);
  if (edit.is === "gone") return at < 0 ? text : without(text, map, at);
  return at < 0 ? withNew(text, map, key, edit.value, edit.after) : withOther(text, document, map, at, edit.value);
}

function withOther(text: string, document: Document, map: YAMLMap, at: number, value: JsonValue): string {
  const pair = map.items[at] as Pair;
  const [start, end] = spanOf(text, pair);
  const copy = new Document<YAMLMap, false>({});
  const node = reconciled(document, pair.value, value);
  copy.contents = copy.createNode({});
  const kept = copy.createNode({ [keyOf(pair)]: null }) as YAMLMap;
  (kept.items[0] as Pair).value = node;
  copy.contents = kept;
  return text.slice(0, start) + written(copy, columnOf(text, start), map.flow === true) + text.slice(end);
}

function withNew(text: string, map: YAMLMap, key: string, value: JsonValue, after: string | null): string {
  const fresh = new Document<YAMLMap, false>({ [key]: value }, { aliasDuplicateObjects: false });
  shorten(fresh);
  const place = after === null ? -1 : map.items.findIndex((pair) => keyOf(pair) === after);
  const neighbour = map.items[Math.max(place, 0)];
  if (neighbour === undefined) {
    const range = rangeOf(map);
    return range ? text.slice(0, range[0]) + `{${written(fresh, 0, true)}}` + text.slice(range[1]) : text;
  }
  const [start, end] = spanOf(text, neighbour);
  if (map.flow) {
    const said = written(fresh, 0, true);
    return place < 0 ? `${text.slice(0, start)}${said}, ${text.slice(start)}` : `${text.slice(0, end)}, ${said}${text.slice(end)}`;
  }
  const indent = columnOf(text, start);
  const said = written(fresh, indent, false);
  if (place < 0) return `${text.slice(0, start)}${said}\n${" ".repeat(indent)}${text.slice(start)}`;
  const line = endOfLine(text, end);
  return `${text.slice(0, line)}\n${" ".repeat(indent)}${said}${text.slice(line)}`;
}

function without(text: string, map: YAMLMap, at: number): string {
  const [start, end] = spanOf(text, map.items[at] as Pair);
  const [next, before] = [map.items[at + 1], map.items[at - 1]];
  if (next === undefined && before === undefined) {
    const range = rangeOf(map);
    return range ? `${text.slice(0, range[0])}{}${text.slice(map.flow ? range[1] : end)}` : text;
  }
  if (map.flow) return next ? text.slice(0, start) + text.slice(spanOf(text, next)[0]) : text.slice(0, spanOf(text, before as Pair)[1]) + text.slice(end);
  return text.slice(0, start - columnOf(text, start)) + text.slice(Math.min(text.length, endOfLine(text, end) + 1));
}

/** The node with another value: of what is in it, what is the same stays as it is written. */
function reconciled(document: Document, node: unknown, value: JsonValue): unknown {
  if (isScalar(node) && (value === null || typeof value !== "object")) {
    const made = document.createNode(value) as typeof node;
    const { comment, type } = node;
    if (comment && type?.startsWith("BLOCK")) made.comment = comment; // others stand behind the value, where they stay
    if (type && typeof value === "string" && typeof node.value === "string" && node.value !== "") made.type = type;
    return made;
  }
  if (isSeq(node) && Array.isArray(value)) {
    const left = [...node.items];
    if (!node.flow) delete node.comment; // what stands behind the last item stays where it is
    node.items = value.map((each) => {
      const at = left.findIndex((item) => same(plain(document, item), each));
      return at < 0 ? document.createNode(each) : left.splice(at, 1)[0];
    });
    return node;
  }
  const made = new Document(value, { aliasDuplicateObjects: false });
  shorten(made);
  return made.contents;
}

/** Lists of a few words stand on one line. */
function shorten(document: Document<YAMLMap, false> | Document): void {
  visit(document as Document, {
    Seq: (_, node) => {
      const words = node.items.map((item) => (isScalar(item) ? String(item.value) : null));
      if (words.every((word) => word !== null && !word.includes("\n")) && words.join(", ").length < FLOW_WIDTH) node.flow = true;
    },
  });
}

/** The one pair of a document as it stands behind so many columns; in braces without these. */
function written(document: Document<YAMLMap, false>, column: number, isFlow: boolean): string {
  if (isFlow) {
    document.contents.flow = true;
    return document.toString({ ...WRITE, lineWidth: 0 }).trim().slice(1, -1).trim();
  }
  const pad = " ".repeat(column);
  return document
    .toString({ ...WRITE, lineWidth: WIDTH - column })
    .trimEnd()
    .split("\n")
    .map((line, index) => (index === 0 || line === "" ? line : pad + line))
    .join("\n");
}

function anew(text: string, before: Json, data: Json): string {
  const document = parseDocument(text, READ);
  for (const { path, is } of editsBetween(before, data)) {
    // What an alias stands for is another's too: it is written out where it is to be another.
    const depth = path.findIndex((_, index) => index > 0 && !isMap(document.getIn(path.slice(0, index), true)));
    const at = depth < 0 ? path : path.slice(0, depth);
    if (is === "gone" && depth < 0) document.deleteIn(at);
    else document.setIn(at, document.createNode(at.reduce<JsonValue>((value, key) => (isObject(value) ? (value[key] ?? null) : null), data)));
  }
  return document.toString(WRITE);
}

function dataOf(document: Document): JsonValue {
  try {
    return document.toJS() as JsonValue;
  } catch {
    return null; // an alias of nothing, or too many of them
  }
}

const says = (text: string, data: Json): boolean => same(readText(text).data ?? undefined, data);
const plain = (document: Document, node: unknown): JsonValue => (isScalar(node) ? (node.value as JsonValue) : isMap(node) || isSeq(node) ? (node.toJS(document) as JsonValue) : null);

export function same(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((each, index) => same(each, other[index]));
  if (!isObject(one) || !isObject(other)) return false;
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && same(one[key], other[key]));
}

function pairAt(document: Document, path: Path): Pair | undefined {
  const map = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  return isMap(map) ? map.items.find((pair) => keyOf(pair) === path.at(-1)) : undefined;
}

const keyOf = (pair: Pair): string => (isScalar(pair.key) ? String(pair.key.value) : String(pair.key));
const keyText = (name: string): string => new Document(name).toString(WRITE).trim();
const rangeOf = (node: unknown): [number, number, number] | null => (node as { range?: [number, number, number] | null } | null | undefined)?.range ?? null;

/** From the key to the end of the value, without what only separates it from what comes next. */
function spanOf(text: string, pair: Pair): [number, number] {
  const key = rangeOf(pair.key) ?? [0, 0, 0];
  const value = rangeOf(pair.value);
  let end = Math.max(value?.[1] ?? 0, text.indexOf(":", key[1]) + 1);
  while (end > key[1] && /\s/.test(text[end - 1] ?? "")) end -= 1;
  return [key[0], end];
}

const columnOf = (text: string, at: number): number => at - (text.lastIndexOf("\n", at - 1) + 1);

function endOfLine(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found;
}
