// What publishing would change, in the words of the pipeline: stages and their fields, and texts line by line.

import { useQuery } from "@tanstack/react-query";

import { call } from "../../api/call";
import type { Refusal } from "../../api/refusal";
import type { FieldChange, PipelineDifference } from "../../api/schema";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { shown } from "../../source/fields";

export function Difference({ before, text }: { before: string; text: string }) {
  const found = useQuery<PipelineDifference, Refusal>({
    queryKey: ["pipelines_diff", before, text],
    queryFn: ({ signal }) => call("pipelines_diff", { body: { before, text } }, { signal }),
    staleTime: Infinity,
    placeholderData: (earlier) => earlier,
  });
  return (
    <Panel title="Changes to publish">
      {found.error ? <ErrorNotice error={found.error} /> : null}
      {found.isPending ? <Skeleton rows={2} /> : null}
      {found.data?.is_same ? <p className="body muted">No changes: publishing would give the same version.</p> : null}
      <ul className="changes">
        {found.data?.fields.map((field) => <Field key={field.path} field={field} />)}
        {found.data?.stages.map((stage) => (
          <li key={stage.stage}>
            <strong>{stage.stage}</strong> <span className="muted">{stage.was ? `renamed from ${stage.was}` : stage.change}</span>
            <ul>
              {stage.fields.map((field) => (
                <Field key={field.path} field={field} />
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Field({ field }: { field: FieldChange }) {
  return (
    <li>
      <code>{field.path}</code>{" "}
      {field.lines.length > 0 ? (
        <pre className="json">{field.lines.join("\n")}</pre>
      ) : (
        <>
          <del>{field.change === "added" ? "" : shown(field.before)}</del> <ins>{field.change === "removed" ? "" : shown(field.after)}</ins>
        </>
      )}
    </li>
  );
}
