// An action as a form: what it does, what it takes, what is wrong with that, and what came of it.

import { useState } from "react";

import { asError, Refusal } from "../../api/refusal";
import { queries } from "../../api/query";
import type { JsonValue } from "../../api/schema";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { ErrorNotice, Notice } from "../../design/Notice";
import { SchemaForm } from "../../forms/SchemaForm";
import { JsonTree } from "../../design/JsonTree";
import { perform, type Action, type Api } from "./api";

export function ActionDialog({ api, action, given, onClose }: { api: Api; action: Action; given: Record<string, JsonValue>; onClose: () => void }) {
  const [value, setValue] = useState(given);
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  const [answer, setAnswer] = useState<{ value: JsonValue } | null>(null);
  const submit = async () => {
    setIsBusy(true);
    setError(null);
    try {
      setAnswer({ value: ((await perform(action, value)) ?? null) as JsonValue });
      void queries.invalidateQueries();
    } catch (caught) {
      setError(asError(caught));
    }
    setIsBusy(false);
  };
  return (
    <Dialog title={action.name.replaceAll("_", " ")} isOpen onClose={onClose}>
      <p className="muted">{action.description}</p>
      {answer ? (
        <>
          <Notice tone="completed" title="Done." />
          {answer.value === null ? null : <JsonTree value={answer.value} />}
          <div className="actions">
            <Button kind="primary" onClick={onClose}>
              Close
            </Button>
          </div>
        </>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <SchemaForm schema={action.input} definitions={api.definitions} value={value} onChange={setValue} problems={error instanceof Refusal ? error.problems : []} />
          {error ? <ErrorNotice error={error} /> : null}
          <div className="actions">
            <Button onClick={onClose}>Cancel</Button>
            <Button type="submit" kind={action.effect === "destructive" ? "danger" : "primary"} isBusy={isBusy}>
              {action.verb}
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}
