// One row: all of it, what it names and what names it, and what can be done with it.

import { Link } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Refusal } from "../../api/refusal";
import { queries } from "../../api/query";
import type { JsonValue } from "../../api/schema";
import { Button } from "../../design/Button";
import { JsonTree } from "../../design/JsonTree";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { say } from "../../design/toasts";
import { ActionButton, type Asked } from "./ActionButton";
import { ActionDialog } from "./ActionDialog";
import { perform, type Action, type Api, type Noun } from "./api";
import { idOf, namedBy } from "./relations";
import { linkOf, nameOf, type Row } from "./Rows";

// What a row's own page shows better.
const PAGES: Record<string, (id: string) => { to: "/runs/$runId" | "/pipelines/$name"; params: { runId: string } | { name: string } }> = {
  runs: (id) => ({ to: "/runs/$runId", params: { runId: id } }),
  pipelines: (id) => ({ to: "/pipelines/$name", params: { name: id } }),
};

export function RowPage({ api, noun, id }: { api: Api; noun: Noun; id: string }) {
  const read = noun.read;
  const [asked, setAsked] = useState<Asked | null>(null);
  const found = useQuery<JsonValue, Refusal>({
    queryKey: [read?.name, "admin", id],
    enabled: read !== null,
    queryFn: async ({ signal }) => (await perform(read as Action, { [read?.key ?? ""]: id }, { signal })) as JsonValue,
  });
  if (read === null) return <Empty title={`Single ${noun.name} cannot be opened.`} />;
  const row = rowOf(found.data);
  const page = PAGES[noun.name]?.(id);
  return (
    <div className="stack">
      <div className="head">
        <div>
          <p className="muted">
            <Link to="/admin/$noun" params={{ noun: noun.name }}>
              {noun.name.replaceAll("_", " ")}
            </Link>
          </p>
          <h1 className="whole">{row ? nameOf(row) : id}</h1>
        </div>
        {page ? (
          <div className="actions">
            <Link {...(page as { to: "/runs/$runId"; params: { runId: string } })} className="button">
              Open page
            </Link>
          </div>
        ) : null}
      </div>
      {found.error ? <ErrorNotice error={found.error} /> : row === null ? <Skeleton rows={8} /> : <RowShown api={api} noun={noun} row={row} onDo={setAsked} />}
      {asked ? (
        <ActionDialog
          api={api}
          action={asked.action}
          given={asked.given}
          onClose={() => {
            setAsked(null);
            void queries.invalidateQueries({ queryKey: [read.name] });
          }}
        />
      ) : null}
    </div>
  );
}

/** What a read answers, where it holds the row beside what belongs to it too. */
function rowOf(answer: JsonValue | undefined): Row | null {
  return typeof answer === "object" && answer !== null && !Array.isArray(answer) ? answer : null;
}

export function RowShown({ api, noun, row, onDo }: { api: Api; noun: Noun; row: Row; onDo: (asked: Asked) => void }) {
  const id = idOf(noun, row);
  const mine = id === null ? [] : noun.actions.filter((action) => action.key !== null && (action.key === noun.read?.key || row[action.key] !== undefined || noun.read === null));
  const naming = namedBy(api, noun, row);
  const copy = async () => {
    await navigator.clipboard.writeText(JSON.stringify(row, null, 2));
    say("Copied.");
  };
  return (
    <>
      {mine.length > 0 ? (
        <div className="buttons" role="group" aria-label="Actions">
          {mine.map((action) => (
            <ActionButton key={action.name} action={action} onDo={() => onDo({ action, given: { [action.key ?? ""]: row[action.key ?? ""] ?? id } })} />
          ))}
        </div>
      ) : null}
      {naming.length > 0 ? (
        <Panel title="Related">
          <nav className="body buttons" aria-label="Related">
            {naming.map((each) => (
              <Link key={each.noun} to="/admin/$noun" params={{ noun: each.noun }} search={{ filters: each.filters }} className="button" data-size="small">
                {each.noun.replaceAll("_", " ")}
              </Link>
            ))}
          </nav>
        </Panel>
      ) : null}
      <Panel
        title="All fields"
        aside={
          <Button size="small" kind="quiet" onClick={() => void copy()}>
            Copy as JSON
          </Button>
        }
      >
        <div className="body">
          <JsonTree value={row} linked={(name, value) => linkOf(api, noun, name, value)} />
        </div>
      </Panel>
    </>
  );
}
