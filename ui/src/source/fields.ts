// The answers of a stage as rows, each with the place in the source that it was read from.

import type { EvidenceSpan, JsonValue, Result } from "../api/schema";
import type { Mark } from "./marks";

export interface Field {
  /** Tells it from the others of the run. */
  id: string;
  /** As people read it: `people / 2 / name`. */
  label: string;
  value: JsonValue;
  evidence: EvidenceSpan[];
}

const ROWS_MAX = 500;

export function fieldsOf(result: Result): Field[] {
  const found: Field[] = [];
  const walk = (value: JsonValue, path: string, label: string[]): void => {
    if (found.length >= ROWS_MAX) return;
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) {
        const name = Array.isArray(value) ? String(Number(key) + 1) : key;
        walk(inner, `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`, [...label, name]);
      }
      return;
    }
    // Evidence of a whole object or list stands with each value in it, where these have none of their own.
    const own = result.evidence.filter((span) => span.path === path);
    const above = own.length > 0 ? own : nearest(result.evidence, path);
    found.push({ id: `${result.id} ${path}`, label: label.join(" / ") || result.type, value, evidence: above });
  };
  walk(result.data, "", result.key ? [result.key] : []);
  return found;
}

function nearest(evidence: EvidenceSpan[], path: string): EvidenceSpan[] {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    const found = evidence.filter((span) => span.path === path.slice(0, at));
    if (found.length > 0) return found;
  }
  return [];
}

export function marksOf(fields: Field[]): Mark[] {
  return fields.flatMap((field) =>
    field.evidence.flatMap((span) =>
      span.start !== null && span.end !== null ? [{ id: field.id, start: span.start, end: span.end, contentId: span.content_id }] : [],
    ),
  );
}

export type Finding = "verified" | "not_found" | "none";

/** Whether the source says so: only what was looked for and not found is a warning. */
export function findingOf(field: Field): Finding {
  if (field.evidence.length === 0) return "none";
  return field.evidence.some((span) => span.status === "verified") ? "verified" : "not_found";
}

export function isNothing(value: JsonValue): boolean {
  return value === null || value === "" || (typeof value === "object" && Object.keys(value).length === 0);
}

export function shown(value: JsonValue): string {
  if (isNothing(value)) return "none";
  if (typeof value === "string") return value;
  return JSON.stringify(value);
}
