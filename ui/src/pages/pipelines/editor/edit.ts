// An edit that a run was made with, put into the author's own document.

import type { JsonValue } from "../../../api/schema";
import { own } from "../../../api/own";
import { isObject, same, type Json } from "./text";

const STAGES = "stages";

/** `data`, changed as `before` was to become `after`. Both are whole documents, and `data` may say the same in fewer words. A run may be of a
 * part of a pipeline: no stage is taken away.
 */
export function withEdit(data: Json, before: Json, after: Json): Json {
  return changed(data, before, after, []);
}

function changed(data: Json, before: Json, after: Json, path: readonly string[]): Json {
  const keepsAll = path.length === 1 && path[0] === STAGES;
  const made: Json = { ...data };
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [own(before, key), own(after, key)];
    if (same(was, is)) continue;
    if (is === undefined) {
      if (!keepsAll) Reflect.deleteProperty(made, key);
      continue;
    }
    made[key] = inner(own(made, key), was, is, [...path, key]);
  }
  return made;
}

function inner(data: JsonValue | undefined, was: JsonValue | undefined, is: JsonValue, path: readonly string[]): JsonValue {
  return isObject(is) && isObject(was) && isObject(data) ? changed(data, was, is, path) : is;
}
