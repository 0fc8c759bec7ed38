// Why a stage came out as it did, in sentences: what became of it in both runs, and what was another for it.

import type { Change, JsonValue, StageComparison, StageSide } from "../../api/schema";
import { shown } from "../../source/fields";

const SAYS: Record<string, string> = {
  instructions: "instructions changed",
  configuration: "settings changed",
  schema: "schema changed",
  model: "another model was asked",
  kind: "another release of the stage kind",
  function: "another version of the function",
  prompt: "requests are written otherwise in this release",
  condition: "its condition came out otherwise",
  asked_again: "asked again, and answered otherwise",
  unknown: "why is not recorded",
};
const INPUT = "input:";

/** What became of it. */
export function outcomeOf({ a, b, differs }: StageComparison): string {
  if (a === null || b === null) return a === null ? "only in the later version" : "only in the earlier version";
  const edited = b.is_edited ? "edited by hand" : a.is_edited ? "edited by hand before" : null;
  const became = a.status !== b.status ? `${wordOf(a)} before, ${wordOf(b)} now` : differs > 0 ? (differs === 1 ? "1 difference" : `${differs} differences`) : b.reused_from ? "reused, at no cost" : "same output";
  return edited === null ? became : differs > 0 || a.status !== b.status ? `${edited}, ${became}` : edited;
}

const wordOf = (side: StageSide): string => (side.status === "skipped" ? "not run" : side.status);

/** Why: each reason once, and none that the outcome says already. */
export function reasonsOf(stage: StageComparison): string[] {
  return stage.why.flatMap((why) => {
    if (why === "given" || why === "definition") return [];
    if (why === "failed_before") return [stage.a?.status === "skipped" ? "a stage before it had failed" : "a stage before it failed"];
    if (why.startsWith(INPUT)) return [`${why.slice(INPUT.length)}, which it reads, changed`];
    return [SAYS[why] ?? `${why.replaceAll("_", " ")} changed`];
  });
}

export function sentenceOf(stage: StageComparison): string {
  const reasons = reasonsOf(stage);
  if (reasons.length === 0) return outcomeOf(stage);
  const isSame = stage.differs === 0 && stage.a?.status === stage.b?.status;
  return isSame ? `${outcomeOf(stage)}, although ${joined(reasons)}` : `${outcomeOf(stage)}: ${joined(reasons)}`;
}

const joined = (reasons: string[]): string => (reasons.length < 2 ? (reasons[0] ?? "") : `${reasons.slice(0, -1).join(", ")} and ${reasons.at(-1)}`);

/** Both values as they are read; where they read the same, with what they are. */
export function valuesOf(change: Change): { before: string | null; after: string | null } {
  const told = change.part === "evidence" ? quotesOf : shown;
  const before = change.kind === "added" ? null : told(change.before);
  const after = change.kind === "removed" ? null : told(change.after);
  if (before === null || after === null || before !== after) return { before, after };
  const [was, is] = [kindOf(change.before), kindOf(change.after)];
  if (was !== is) return { before: `${before} (${was})`, after: `${after} (${is})` };
  return change.part === "evidence" ? { before: `${before} (elsewhere)`, after } : { before, after };
}

function quotesOf(value: JsonValue): string {
  if (!Array.isArray(value)) return shown(value);
  return value.map((span) => (typeof span === "object" && span !== null && !Array.isArray(span) && typeof span.quote === "string" ? `“${span.quote}”` : shown(span))).join(" ");
}

function kindOf(value: JsonValue): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "list";
  return { string: "text", number: "number", boolean: "yes or no", object: "object" }[typeof value as "string" | "number" | "boolean" | "object"];
}

/** What is to be listed: instructions stand with their stage, line by line; evidence comes behind what it proves. */
export function listed(changes: Change[]): { changes: Change[]; evidence: Change[] } {
  const isTold = (change: Change) => change.part === "definition" && change.pointer === "/with/instructions";
  return { changes: changes.filter((change) => change.part !== "evidence" && !isTold(change)), evidence: changes.filter((change) => change.part === "evidence") };
}
