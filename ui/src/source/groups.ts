// The results of a run in the order in which people want them: what a person decided in place of what a model had said.

import type { EvidenceSpan, JsonValue, Result } from "../api/schema";
import type { Wired } from "../graph/wiring";
import { fieldsOf, type Field } from "./fields";

export interface Group {
  result: Result;
  fields: Field[];
  /** Who decided it, and how. */
  note?: string;
  /** Another group stands in its place: it is there for who wants it. */
  isReplaced?: boolean;
}

export function groupsOf(results: Result[], wiring: Wired[]): Group[] {
  const decided = new Map<Result, Group>();
  for (const review of results) {
    const about = wiring.find((stage) => stage.name === review.stage && stage.uses === "review")?.reads[0];
    const before = results.find((each) => each.stage === about && each.item === review.item);
    const decision = decisionOf(review.data);
    if (before === undefined || decision === null) continue;
    const result = { ...review, type: before.type, data: decision.value, evidence: unchanged(before, decision.value) };
    decided.set(before, { result, fields: fieldsOf(result), note: decision.note });
    decided.set(review, { result: before, fields: fieldsOf(before), isReplaced: true });
  }
  return results.map((result) => decided.get(result) ?? { result, fields: fieldsOf(result) });
}

function decisionOf(data: JsonValue): { value: JsonValue; note: string } | null {
  if (typeof data !== "object" || data === null || Array.isArray(data)) return null;
  const { decision, value, decided_by } = data;
  if (typeof decision !== "string" || value === undefined) return null;
  return { value, note: typeof decided_by === "string" ? `${decision} by ${decided_by}` : decision };
}

/** Evidence of what a person left as it was: for what they wrote there is none in the source. */
function unchanged(before: Result, value: JsonValue): EvidenceSpan[] {
  return before.evidence.filter(({ path }) => JSON.stringify(at(before.data, path)) === JSON.stringify(at(value, path)));
}

function at(value: JsonValue, path: string): JsonValue | undefined {
  let found: JsonValue | undefined = value;
  for (const part of path.split("/").slice(1)) {
    if (typeof found !== "object" || found === null) return undefined;
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    found = Array.isArray(found) ? found[Number(key)] : Object.hasOwn(found, key) ? found[key] : undefined;
  }
  return found;
}
