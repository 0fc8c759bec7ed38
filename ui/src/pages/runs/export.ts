// What matches, as a file: CSV comes from the service as one stream, JSON is put together here from its pages.

import { address } from "../../api/call";
import type { Run } from "../../api/schema";
import { matching } from "./bulk";
import type { RunsQuery } from "./search";

export const EXPORTED_MAX = 50_000;

export const csvAddress = (query: RunsQuery): string => address("/runs", {}, { ...query, format: "csv" });

/** How many were saved; fewer than there are where that is the most. */
export async function saveJson(query: RunsQuery, signal: AbortSignal, onProgress: (runs: number) => void): Promise<number> {
  const pieces: string[] = [];
  const runs: AsyncIterable<Run> = matching(query, signal, EXPORTED_MAX);
  for await (const run of runs) {
    pieces.push(JSON.stringify(run));
    if (pieces.length % 200 === 0) onProgress(pieces.length);
  }
  if (!signal.aborted) save(new Blob(["[\n", pieces.join(",\n"), "\n]\n"], { type: "application/json" }), "runs.json");
  return pieces.length;
}

function save(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
}
