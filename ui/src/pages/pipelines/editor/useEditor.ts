// The state of the editor: one text, from which the drawing, the forms and the problems are made, and what changes it.
//
// Invariant: the text is the truth. Whatever is done on the canvas or in a form is a change of the text; while it cannot be read, the last
// drawing stays and nothing of it can be changed.

import { useMemo, useState } from "react";

import type { PipelineVersion, Problem, StageKindInfo } from "../../../api/schema";
import { say } from "../../../design/toasts";
import { useKinds } from "../kinds";
import { documentSchemaOf } from "./entry";
import { usePlaces } from "./places";
import { connected, disconnected, duplicated, entryOf, renamedIn, stageAt, stagesOf, wiredOf, withStage, without } from "./stages";
import { readText, rekeyed, rewritten, type Json } from "./text";
import type { Shown } from "./TextPane";
import { useChecked } from "./useChecked";
import { useDraft } from "./useDraft";

export function useEditor(of: string, stored: string, version: PipelineVersion | null, offered: string | null) {
  const places = usePlaces(of);
  const draft = useDraft(of, stored, version?.hash ?? null, offered);
  const { text } = draft;
  const reading = useMemo(() => readText(text), [text]);
  const [drawn, setDrawn] = useState<Json>(reading.data ?? {});
  if (reading.data !== null && reading.data !== drawn) setDrawn(reading.data);
  const [wanted, setWanted] = useState<string | null>(null);
  const [focused, setFocused] = useState<{ name: string } | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const { checked, error: checkError, isFresh } = useChecked(text);
  const { kinds, schema, error } = useKinds();
  const documentSchema = useMemo(() => documentSchemaOf(schema ?? {}), [schema]);
  const wiring = useMemo(() => wiredOf(drawn), [drawn]);
  const problems = useMemo(() => checked?.problems ?? [], [checked]);
  const byStage = useMemo(() => problemsByStage(problems), [problems]);
  const chosen = wanted !== null && Object.hasOwn(stagesOf(drawn), wanted) ? wanted : null;

  const isList = Array.isArray(drawn.stages);

  const change = (data: Json, what = "") => {
    if (reading.data === null) say("The text cannot be read.", "Fix it first: the canvas draws what it says.");
    else if (isList && !Array.isArray(data.stages)) say("The canvas draws no document that lists its stages.", "Change its text.");
    else draft.change(rewritten(text, data), what);
  };
  const show = (line: number | null, takesFocus: boolean) => {
    if (line !== null) setShown({ line, takesFocus });
  };
  const choose = (name: string | null) => {
    setWanted(name);
    if (name !== null) show(reading.lineOf(["stages", name]), false);
  };
  const begin = (made: { data: Json; name: string }) => {
    change(made.data);
    setWanted(made.name);
    setFocused({ name: made.name });
  };
  const add = (kind: StageKindInfo) => begin(withStage(drawn, kind, chosen));
  const duplicate = (name: string) => begin(duplicated(drawn, name));
  const remove = (name: string) => {
    const next = wiring.find((stage) => stage.name === name)?.upstream[0] ?? wiring.find((stage) => stage.name !== name)?.name ?? null;
    change(without(drawn, name));
    setWanted(next);
    setFocused(next === null ? null : { name: next });
  };
  const rename = (from: string, to: string) => {
    if (reading.data === null) return;
    draft.change(rewritten(rekeyed(text, ["stages", from], to), renamedIn(reading.data, from, to)));
    places.rename(from, to);
    setWanted(to);
  };
  const showProblem = (problem: Problem) => {
    const stage = stageAt(problem.place);
    if (stage !== null) setWanted(stage);
    show(problem.line ?? (stage === null ? null : reading.lineOf(["stages", stage])), true);
  };
  /** The stage in whose text a line stands. */
  const chooseAt = (line: number) => {
    const heads = Object.keys(reading.data ?? {}).flatMap((key) => reading.lineOf([key]) ?? []);
    const begins = Object.keys(stagesOf(reading.data ?? {})).flatMap((name) => {
      const at = reading.lineOf(["stages", name]);
      return at !== null && at <= line && !heads.some((head) => head > at && head <= line) ? [{ name, at }] : [];
    });
    setWanted(begins.reduce<{ name: string; at: number } | null>((last, each) => (last === null || each.at > last.at ? each : last), null)?.name ?? null);
  };
  return {
    draft,
    places,
    reading,
    drawn,
    isList,
    wiring,
    chosen,
    entry: chosen === null ? null : entryOf(drawn, chosen),
    focused,
    shown,
    checked,
    checkError,
    isFresh,
    problems,
    byStage,
    kinds,
    documentSchema,
    error,
    change,
    choose,
    chooseAt,
    show,
    showProblem,
    add,
    duplicate,
    remove,
    rename,
    connect: (from: string, to: string) => change(connected(drawn, from, to)),
    disconnect: (from: string, to: string) => change(disconnected(drawn, from, to)),
  };
}

function problemsByStage(problems: Problem[]): Map<string, Problem[]> {
  const found = new Map<string, Problem[]>();
  for (const problem of problems) {
    const stage = stageAt(problem.place);
    if (stage !== null) found.set(stage, [...(found.get(stage) ?? []), problem]);
  }
  return found;
}

export type EditorState = ReturnType<typeof useEditor>;
