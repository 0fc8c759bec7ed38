// What the run came to, field by field: choosing one shows where the source says so, and the other way round.

import { useEffect, useRef } from "react";

import type { Result } from "../../api/schema";
import { Empty } from "../../design/Notice";
import { findingOf, isNothing, shown, type Field, type Finding } from "./fields";

const SAYS: Record<Finding, string> = { verified: "in the source", not_found: "not found in source", none: "" };

export function Fields({ groups, chosen, onChoose }: { groups: { result: Result; fields: Field[] }[]; chosen: string | null; onChoose: (field: string | null) => void }) {
  if (groups.length === 0) return <Empty title="No results yet." />;
  return (
    <div className="fields">
      {groups.map(({ result, fields }) => (
        <section key={result.id} aria-label={result.type}>
          <h3>
            {result.type}
            {result.key ? <span className="muted"> {result.key}</span> : null}
            {result.confidence ? (
              <span className="muted confidence" title={`confidence, ${result.confidence.method.replaceAll("_", " ")}`}>
                {Math.round(result.confidence.value * 100)} %
              </span>
            ) : null}
          </h3>
          {fields.map((field) => (
            <Row key={field.id} field={field} isChosen={field.id === chosen} onChoose={onChoose} />
          ))}
        </section>
      ))}
    </div>
  );
}

function Row({ field, isChosen, onChoose }: { field: Field; isChosen: boolean; onChoose: (field: string | null) => void }) {
  const finding = findingOf(field);
  const row = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isChosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  return (
    <button ref={row} type="button" className="field-row" aria-pressed={isChosen} data-finding={finding} onClick={() => onChoose(isChosen ? null : field.id)}>
      <span className="muted">{field.label}</span>
      <span className={isNothing(field.value) ? "value muted" : "value"}>{shown(field.value)}</span>
      <span className="finding">{SAYS[finding]}</span>
    </button>
  );
}
