// What can be done, as a button that says why not where it cannot.

import type { JsonValue } from "../../api/schema";
import { Button } from "../../design/Button";
import { useMay } from "../../session/may";
import type { Action } from "./api";

/** An action that somebody wants to do, with what is filled in already. */
export interface Asked {
  action: Action;
  given: Record<string, JsonValue>;
}

export function ActionButton({ action, onDo }: { action: Action; onDo: () => void }) {
  const may = useMay();
  return (
    <Button size="small" kind={action.effect === "destructive" ? "danger" : "plain"} refusal={may(action.permission)} title={action.summary} onClick={onDo}>
      {action.verb}
    </Button>
  );
}
