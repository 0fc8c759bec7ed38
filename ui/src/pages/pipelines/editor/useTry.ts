// Runs of what is being written: the whole of it or up to a stage, over a sample; and one stage alone, on what the last run put out before it.
//
// A run over the sample that the one before was over takes from that what has not changed, so that trying again pays for changes alone.

import { useState } from "react";

import { call } from "../../../api/call";
import { own } from "../../../api/own";
import { stale, useRead } from "../../../api/query";
import type { JsonValue } from "../../../api/schema";
import { sayError } from "../../../design/toasts";
import { isOver } from "../../../run/over";
import { useRun } from "../../../run/useRun";
import type { Sample } from "./samples";
import { entryOf } from "./stages";
import { same, isObject, type Json } from "./text";

interface Tried {
  runId: string;
  sample: Sample;
  model: string;
  upTo: string | null;
  /** The document as it was tried. */
  data: Json;
}

/** What of a stage's entry a run can be made again with. */
const CHANGEABLE = ["model", "when", "retries", "timeout_s", "deadline_s", "result"];

export function useTry() {
  const [tried, setTried] = useState<Tried | null>(null);
  const [isBusy, setIsBusy] = useState(false);
  const live = useRun(tried?.runId ?? null);
  const { run } = live;
  const version = useRead("pipelines_get", { path: { pipeline: run ? `${run.pipeline}@${run.version}` : "" } }, { enabled: run !== undefined, staleTime: Infinity });

  const doing = async (work: () => Promise<Tried>) => {
    setIsBusy(true);
    try {
      setTried(await work());
      stale("runs_list");
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  const start = ({ text, ...asked }: Omit<Tried, "runId"> & { text: string }) =>
    doing(async () => {
      const { sample, upTo, model } = asked;
      const input = sample.kind === "mail_thread" ? { thread_id: sample.id } : { content_id: sample.id };
      const earlier = tried?.sample.id === sample.id && tried.model === model ? { reuse_from: tried.runId } : {};
      const body = { text, ...input, ...earlier, ...(upTo ? { up_to: upTo } : {}), ...(model ? { model } : {}) };
      const made = await call("pipelines_try", { body }, { isOnce: true });
      return { ...asked, runId: made.run_id };
    });
  const alone = (data: Json, stage: string, outputs: Record<string, JsonValue>) =>
    doing(async () => {
      if (tried === null || !version.data) throw new Error("Run the pipeline to this stage first.");
      const edits = editsOf(entryOf(version.data.document, stage) ?? {}, entryOf(data, stage) ?? {});
      const body = { from_stage: stage, fresh: true, ...(Object.keys(outputs).length ? { outputs } : {}), ...(Object.keys(edits).length ? { edits: { [stage]: edits } } : {}) };
      const made = await call("runs_fork", { path: { run_id: tried.runId }, body }, { isOnce: true });
      return { ...tried, runId: made.run_id, upTo: stage, data };
    });
  /** Why one stage cannot be tried alone; null: it can. */
  const aloneRefusal = (stage: string | null): string | null => {
    if (stage === null) return "Select a stage first.";
    if (!run || !version.data || !entryOf(version.data.document, stage)) return "Run the pipeline to this stage first.";
    // What waits for it would run anew with it, and be paid.
    if (live.wiring.some((each) => each.upstream.includes(stage))) return "The last try went further: run to this stage first.";
    return isOver(run) ? null : "The previous try is still running.";
  };
  /** Where the stages stand that are still as they were tried. */
  const asDrawn = (data: Json) => new Map([...live.stages].filter(([name]) => tried !== null && same(entryOf(tried.data, name) ?? undefined, entryOf(data, name) ?? undefined)));
  return { ...live, tried, isBusy, start, alone, aloneRefusal, asDrawn };
}

export type Try = ReturnType<typeof useTry>;

/** What is another in an entry, as runs are made again with it: null takes away. */
export function editsOf(before: Json, after: Json): Json {
  const [was, is] = [isObject(before.with) ? before.with : {}, isObject(after.with) ? after.with : {}];
  const changed = changesOf(was, is, [...new Set([...Object.keys(was), ...Object.keys(is)])]);
  return { ...changesOf(before, after, CHANGEABLE), ...(Object.keys(changed).length ? { with: changed } : {}) };
}

function changesOf(before: Json, after: Json, keys: string[]): Json {
  const differ = keys.filter((key) => !same(own(before, key), own(after, key)));
  return Object.fromEntries(differ.map((key): [string, JsonValue] => [key, own(after, key) ?? null]));
}
