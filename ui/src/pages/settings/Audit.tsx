// The audit log, the newest first.

import { useState } from "react";

import { address } from "../../api/call";
import type { ActorKind } from "../../api/schema";
import { useList } from "../../api/useList";
import { useMayRead } from "../../session/may";
import { Button } from "../../design/Button";
import { Theirs } from "../../design/Theirs";
import { Time } from "../../design/Time";
import { told } from "../../design/unseen";
import { shortId } from "../../design/words";
import { Field } from "../../forms/Field";
import { Listing } from "./Listing";

export function Audit() {
  const reading = useMayRead("audit:read");
  const [written, setWritten] = useState("");
  const [filter, setFilter] = useState<{ action?: string; actor_id?: string }>({});
  const listed = useList("audit_list", { limit: 50, ...filter }, reading.isAllowed);
  if (reading.refusal !== null) return <p className="muted">{reading.refusal}</p>;
  return (
    <>
      <form
        className="row-form"
        onSubmit={(event) => {
          event.preventDefault();
          setFilter(written.trim() ? { action: written.trim() } : {});
        }}
      >
        <Field label="Action">{(common) => <input {...common} type="search" placeholder="runs.cancel" value={written} onChange={(event) => setWritten(event.target.value)} />}</Field>
        <Button type="submit">Apply</Button>
      </form>
      <Listing
        title="Entries"
        listed={listed}
        keyOf={(each) => each.id}
        empty={<p>{Object.keys(filter).length ? "No matching entries." : "Nothing has been changed yet."}</p>}
        aside={
          <a className="button" data-size="small" href={address("/audit", {}, { ...filter, format: "csv" })} download="audit.csv">
            CSV
          </a>
        }
        columns={[
          { title: "When", cell: (each) => <Time at={each.at} /> },
          { title: "Who", cell: (each) => <Who kind={each.actor_kind} label={each.actor_label} /> },
          { title: "What", cell: (each) => <code>{each.action}</code> },
          { title: "Details", cell: (each) => <Target target={each.target} /> },
        ]}
        actions={(each) => (
          <Button size="small" kind="quiet" refusal={each.actor_id ? null : "This was not a signed-in person."} onClick={() => setFilter(filter.actor_id ? {} : { actor_id: each.actor_id ?? "" })}>
            {filter.actor_id ? "Everybody's" : "Only theirs"}
          </Button>
        )}
      />
    </>
  );
}

const KIND_SAYS: Partial<Record<ActorKind, string>> = { key: "API key", library: "command line or library", host: "user of the host", embed: "embedded page" };

/** Who did it. What came in by other ways than signing in says how, also where its label looks like somebody's address. */
function Who({ kind, label }: { kind: ActorKind; label: string }) {
  // The service says of an embedded page whose token it has, before what its host calls whoever looks at it.
  const how = label.startsWith("embedded page of ") && kind === "embed" ? undefined : KIND_SAYS[kind];
  return (
    <span title={told(label)}>
      {how ? <span className="muted">{how} </span> : null}
      <Theirs text={label} />
    </span>
  );
}

function Target({ target }: { target: Record<string, unknown> }) {
  const said = Object.entries(target).filter(([, value]) => value !== null && value !== undefined);
  if (said.length === 0) return <span className="muted">—</span>;
  const text = said.map(([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
  return (
    <span title={told(text)} className="muted">
      <Theirs text={said.map(([name, value]) => `${name.replace(/_id$/, "")} ${typeof value === "string" ? (value.length === 36 ? shortId(value) : value) : JSON.stringify(value)}`).join(", ")} />
    </span>
  );
}
