// Everything that the service has and can do, from its own description: whatever an action is added for is here at once.

import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Refusal } from "../../api/call";
import { queries } from "../../api/query";
import type { JsonValue } from "../../api/schema";
import { useMay } from "../../app/may";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Scroll } from "../../design/Scroll";
import { Panel } from "../../design/Panel";
import { fullTime, shortId } from "../../design/words";
import "../../forms/forms.css";
import { SchemaForm } from "../../forms/SchemaForm";
import { Json } from "../run/StageDrawer";
import { ActionDialog } from "./ActionDialog";
import "./admin.css";
import { perform, useApi, type Action, type Api, type Noun } from "./api";

type Row = Record<string, JsonValue>;

export function Admin() {
  const api = useApi();
  const { noun: name } = useParams({ from: "/admin/$noun" });
  if (api.error) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={api.error} />
      </main>
    );
  }
  const noun = api.data?.nouns.find((each) => each.name === name);
  return (
    <main id="main" className="page">
      <div className="sided">
        <nav className="panel side" aria-label="What there is">
          {api.data?.nouns.map((each) => (
            <Link key={each.name} to="/admin/$noun" params={{ noun: each.name }} activeProps={{ "aria-current": "page" }}>
              {each.name.replaceAll("_", " ")}
            </Link>
          )) ?? <Skeleton rows={10} />}
        </nav>
        {api.data && noun ? <Resource key={noun.name} api={api.data} noun={noun} /> : api.data ? <Empty title={`There is nothing called ${name}.`} /> : null}
      </div>
    </main>
  );
}

function Resource({ api, noun }: { api: Api; noun: Noun }) {
  const [does, setDoes] = useState<{ action: Action; given: Row } | null>(null);
  const whole = noun.actions.filter((action) => action.key === null);
  return (
    <div className="stack">
      <div className="head">
        <div>
          <h1>{noun.name.replaceAll("_", " ")}</h1>
          <p className="muted">{noun.about}</p>
        </div>
        <div className="actions">
          {whole.map((action) => (
            <ActionButton key={action.name} action={action} onDo={() => setDoes({ action, given: {} })} />
          ))}
        </div>
      </div>
      {noun.list ? <List api={api} noun={noun} list={noun.list} onDo={(action, given) => setDoes({ action, given })} /> : null}
      {does ? <ActionDialog api={api} action={does.action} given={does.given} onClose={() => setDoes(null)} /> : null}
    </div>
  );
}

function ActionButton({ action, onDo }: { action: Action; onDo: () => void }) {
  const may = useMay();
  return (
    <Button size="small" kind={action.effect === "destructive" ? "danger" : "plain"} refusal={may(action.permission)} title={action.summary} onClick={onDo}>
      {action.verb}
    </Button>
  );
}

function List({ api, noun, list, onDo }: { api: Api; noun: Noun; list: Action; onDo: (action: Action, given: Row) => void }) {
  const { filters = {} } = useSearch({ from: "/admin/$noun" });
  const navigate = useNavigate();
  const [filled, setFilled] = useState<Row>(filters);
  const [shown, setShown] = useState<Row | null>(null);
  const pages = useInfiniteQuery<{ items: Row[]; next_cursor?: string | null }, Refusal>({
    queryKey: [list.name, "admin", filters],
    queryFn: async ({ pageParam, signal }) =>
      (await perform(list, { ...filters, ...(pageParam ? { cursor: pageParam } : {}) }, { signal })) as { items: Row[]; next_cursor?: string | null },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = pages.data?.pages.flatMap((page) => page.items) ?? [];
  const hasFilters = Object.keys(list.input.properties ?? {}).length > 0;
  const needs = (list.input.required ?? []).filter((name) => filters[name] === undefined);
  return (
    <>
      {hasFilters ? (
        <details className="panel filters" open={needs.length > 0 || Object.keys(filters).length > 0}>
          <summary>Filter and sort</summary>
          <form
            className="body stack"
            onSubmit={(event) => {
              event.preventDefault();
              void navigate({ to: "/admin/$noun", params: { noun: noun.name }, search: { filters: filled } });
            }}
          >
            <SchemaForm schema={list.input} definitions={api.definitions} value={filled} onChange={setFilled} />
            <div className="actions">
              <Button type="submit" kind="primary">
                Show
              </Button>
            </div>
          </form>
        </details>
      ) : null}
      <Panel>
        {pages.error ? <ErrorNotice error={pages.error} /> : pages.isPending ? <Skeleton rows={8} /> : rows.length === 0 ? <Empty title="There is none." /> : <Table rows={rows} onShow={setShown} />}
      </Panel>
      {pages.hasNextPage ? (
        <Button isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
          More
        </Button>
      ) : null}
      <Dialog title={shown ? nameOf(shown) : ""} isOpen={shown !== null} onClose={() => setShown(null)}>
        {shown ? <Shown noun={noun} row={shown} onDo={(action, given) => onDo(action, given)} onClose={() => setShown(null)} /> : null}
      </Dialog>
    </>
  );
}

const COLUMNS_MAX = 7;

function Table({ rows, onShow }: { rows: Row[]; onShow: (row: Row) => void }) {
  const columns = columnsOf(rows);
  return (
    <Scroll label="Rows">
      <table className="rows">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column}>{column.replaceAll("_", " ")}</th>
            ))}
            <th>
              <span className="visually-hidden">details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={typeof row.id === "string" ? row.id : index}>
              {columns.map((column) => (
                <td key={column} className="truncate">
                  <Cell name={column} value={row[column]} />
                </td>
              ))}
              <td className="number">
                <Button size="small" kind="quiet" aria-label={`Details of ${nameOf(row)}`} onClick={() => onShow(row)}>
                  details
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function columnsOf(rows: Row[]): string[] {
  const first = rows[0] ?? {};
  const plain = Object.keys(first).filter((name) => name !== "organization_id" && rows.some((row) => row[name] !== null && (typeof row[name] !== "object" || Array.isArray(row[name]))));
  return plain.slice(0, COLUMNS_MAX);
}

function Cell({ name, value }: { name: string; value: JsonValue | undefined }) {
  if (value === null || value === undefined) return <span className="muted">—</span>;
  if (typeof value === "string") {
    if ((name === "id" || name.endsWith("_id")) && value.length === 36) return <Relation name={name} value={value} />;
    if (name.endsWith("_at") || name === "at") return <>{fullTime(value)}</>;
    return <span title={value}>{value}</span>;
  }
  if (Array.isArray(value)) return <>{value.every((each) => typeof each !== "object") ? value.join(", ") : `${value.length}`}</>;
  return <>{typeof value === "object" ? JSON.stringify(value) : String(value)}</>;
}

function Relation({ name, value }: { name: string; value: string }) {
  if (name === "run_id") {
    return (
      <Link to="/runs/$runId" params={{ runId: value }} className="mono" title={value}>
        {shortId(value)}
      </Link>
    );
  }
  return (
    <span className="mono" title={value}>
      {shortId(value)}
    </span>
  );
}

function Shown({ noun, row, onDo, onClose }: { noun: Noun; row: Row; onDo: (action: Action, given: Row) => void; onClose: () => void }) {
  const mine = noun.actions.filter((action) => action.key !== null && keyIn(row, action.key, noun) !== undefined);
  return (
    <>
      <Json value={row} />
      <div className="actions">
        {mine.map((action) => (
          <ActionButton
            key={action.name}
            action={action}
            onDo={() => {
              onClose();
              onDo(action, { [action.key ?? ""]: keyIn(row, action.key ?? "", noun) ?? null });
              void queries.invalidateQueries({ queryKey: [noun.list?.name] });
            }}
          />
        ))}
        <Button onClick={onClose}>Close</Button>
      </div>
    </>
  );
}

/** Which one it is: by the name of the key itself, or the row's own id or name. */
function keyIn(row: Row, key: string, noun: Noun): JsonValue | undefined {
  if (row[key] !== undefined) return row[key];
  if (key.endsWith("_id") && row.id !== undefined) return row.id;
  return noun.name.startsWith(key) ? (row.name ?? row.id) : undefined;
}

function nameOf(row: Row): string {
  const found = [row.name, row.email, row.id, row.run_id].find((each) => typeof each === "string");
  return typeof found === "string" ? found : "one";
}
