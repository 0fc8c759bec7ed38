// What is another in one version than in another, or in a text: stages and their fields, and texts line by line.

import { useQuery } from "@tanstack/react-query";

import { call } from "../../api/call";
import type { Refusal } from "../../api/refusal";
import type { FieldChange, PipelineDifference, StageChange } from "../../api/schema";
import { LineDiff } from "../../design/LineDiff";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { shown } from "../../source/fields";

/** A version (`invoices@2`), or a document that is not stored. */
export type Other = { after: string } | { text: string };

interface Props {
  before: string;
  other: Other;
  /** What is said where nothing differs. */
  same: string;
}

export function Difference({ before, other, same }: Props) {
  const found = useQuery<PipelineDifference, Refusal>({
    queryKey: ["pipelines_diff", before, other],
    queryFn: ({ signal }) => call("pipelines_diff", { body: { before, ...other } }, { signal }),
    staleTime: Infinity,
    placeholderData: (earlier) => earlier,
  });
  return (
    <>
      {found.error ? <ErrorNotice error={found.error} /> : null}
      {found.isPending ? <Skeleton rows={2} /> : null}
      {found.data?.is_same ? <p className="body muted">{same}</p> : null}
      <ul className="changes">
        {found.data?.fields.map((field) => <Field key={field.path} field={field} />)}
        {found.data?.stages.map((stage) => <Stage key={stage.stage} stage={stage} />)}
      </ul>
    </>
  );
}

function Stage({ stage }: { stage: StageChange }) {
  return (
    <li data-change={stage.change}>
      <span className="mark" aria-hidden="true">
        {{ added: "+", removed: "−", renamed: "→", changed: "~" }[stage.change]}
      </span>{" "}
      <strong>{stage.stage}</strong>{" "}
      <span className="muted">
        {stage.was ? `renamed from ${stage.was}` : stage.change} · {stage.uses}
      </span>
      {stage.fields.length > 0 ? (
        <ul>
          {stage.fields.map((field) => (
            <Field key={field.path} field={field} />
          ))}
        </ul>
      ) : null}
    </li>
  );
}

function Field({ field }: { field: FieldChange }) {
  return (
    <li>
      <code>{field.path}</code>{" "}
      {field.lines.length > 0 ? (
        <LineDiff lines={field.lines} />
      ) : (
        <>
          {field.change === "added" ? null : <del>{shown(field.before)}</del>} {field.change === "removed" ? null : <ins>{shown(field.after)}</ins>}
        </>
      )}
    </li>
  );
}
