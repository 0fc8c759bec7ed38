// Hold runs back: of a pipeline, or all of the organization's. What is under way ends.

import { useState } from "react";

import { useAct } from "../../session/act";
import { useRead } from "../../api/query";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { ErrorNotice } from "../../design/Notice";
import { Field } from "../../forms/Field";
import "../../forms/forms.css";

export function NewPause() {
  const may = useMay();
  const [pipeline, setPipeline] = useState("");
  const [reason, setReason] = useState("");
  const pipelines = useRead("pipelines_list", { query: { limit: 200 } });
  const pause = useAct("pauses_create", { says: "Paused. Runs in progress finish their current stages.", makesStale: ["pauses_list"], onDone: () => setReason("") });
  const refusal = may("runs:write") ?? (pipeline === "" ? may("settings:write") : null);
  return (
    <form
      className="body stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (refusal === null) pause.mutate({ body: { ...(pipeline ? { pipeline } : {}), ...(reason ? { reason } : {}) } });
      }}
    >
      <div className="row-form">
        <Field label="Pause the runs of">
          {(common) => (
            <select {...common} value={pipeline} onChange={(event) => setPipeline(event.target.value)}>
              <option value="">the whole organization</option>
              {pipelines.data?.items.map((each) => (
                <option key={each.name}>{each.name}</option>
              ))}
            </select>
          )}
        </Field>
        <Field label="Reason">{(common) => <input {...common} value={reason} onChange={(event) => setReason(event.target.value)} />}</Field>
        <Button type="submit" isBusy={pause.isPending} refusal={refusal}>
          Pause
        </Button>
      </div>
      {pause.error ? <ErrorNotice error={pause.error} /> : null}
    </form>
  );
}
