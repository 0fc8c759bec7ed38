// What the run came to, field by field: choosing one shows where the source says so, and the other way round.

import { useEffect, useRef } from "react";

import { Empty } from "../design/Notice";
import { reveal } from "../design/reveal";
import { Theirs } from "../design/Theirs";
import { percent } from "../design/words";
import { findingOf, isNothing, shown, type Field, type Finding } from "./fields";
import type { Group } from "./groups";

const SAYS: Record<Finding, string> = { verified: "in the source", not_found: "not found in source", none: "" };

interface Props {
  groups: Group[];
  chosen: string | null;
  onChoose: (field: string | null) => void;
}

export function Fields({ groups, chosen, onChoose }: Props) {
  if (groups.length === 0) return <Empty title="No results yet" />;
  const isRead = (group: Group) => !group.isReplaced && (group.note !== undefined || group.fields.some((field) => field.evidence.length > 0));
  // What shows no source (the text itself, a cut list) is there for who wants it, below what was read.
  const [read, rest] = [groups.filter(isRead), groups.filter((group) => !isRead(group))];
  return (
    <div className="fields" role="region" aria-label="Fields" tabIndex={0}>
      {(read.length > 0 ? read : rest).map((group) => (
        <section key={group.result.id} aria-label={group.result.type}>
          <Heading {...group} />
          <Rows fields={group.fields} chosen={chosen} onChoose={onChoose} />
        </section>
      ))}
      {(read.length > 0 ? rest : []).map((group) => (
        <details key={group.result.id} open={group.fields.some((field) => field.id === chosen)}>
          <summary>
            <Heading {...group} />
          </summary>
          <Rows fields={group.fields} chosen={chosen} onChoose={onChoose} />
        </details>
      ))}
    </div>
  );
}

function Heading({ result, note, isReplaced }: Group) {
  return (
    <h3>
      {result.type}
      {note ? <span className="muted decided">{note}</span> : null}
      {isReplaced ? <span className="muted decided">before its review</span> : null}
      {result.key ? <span className="muted"> {result.key}</span> : null}
      {result.confidence ? (
        <span className="muted confidence" title={`confidence, ${result.confidence.method.replaceAll("_", " ")}`}>
          {percent(result.confidence.value)}
        </span>
      ) : null}
    </h3>
  );
}

function Rows({ fields, chosen, onChoose }: { fields: Field[]; chosen: string | null; onChoose: (field: string | null) => void }) {
  return fields.map((field) => <Row key={field.id} field={field} isChosen={field.id === chosen} onChoose={onChoose} />);
}

function Row({ field, isChosen, onChoose }: { field: Field; isChosen: boolean; onChoose: (field: string | null) => void }) {
  const finding = findingOf(field);
  const row = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isChosen) reveal(row.current);
  }, [isChosen]);
  return (
    <button ref={row} type="button" className="field-row" aria-pressed={isChosen} data-finding={finding} onClick={() => onChoose(isChosen ? null : field.id)}>
      <span className="muted">{field.label}</span>
      <span className={isNothing(field.value) ? "value muted" : "value"}><Theirs text={shown(field.value)} /></span>
      <span className="finding">{SAYS[finding]}</span>
    </button>
  );
}
