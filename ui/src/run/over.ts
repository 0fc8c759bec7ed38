// Whether a run has ended, for good.

import type { Run } from "../api/schema";

export function isOver({ status }: Pick<Run, "status">): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}
