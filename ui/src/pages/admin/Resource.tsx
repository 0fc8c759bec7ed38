// One kind of thing: all there is of it, filtered and sorted, and what can be done with it.

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";

import { address } from "../../api/call";
import type { Refusal } from "../../api/refusal";
import { ROUTES, type JsonValue } from "../../api/schema";
import { useMayRead } from "../../session/may";
import { useShortcuts } from "../../design/shortcuts";
import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { ORDER_SAYS } from "../../design/words";
import { SchemaForm } from "../../forms/SchemaForm";
import { ActionButton, type Asked } from "./ActionButton";
import { ActionDialog } from "./ActionDialog";
import { perform, type Action, type Api, type Noun } from "./api";
import { idOf, rowsOf } from "./relations";
import { RowShown } from "./RowPage";
import { nameOf, Rows, type Row } from "./Rows";

export function Resource({ api, noun }: { api: Api; noun: Noun }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  return (
    <div className="stack">
      <div className="head">
        <div>
          <h1>{noun.name.replaceAll("_", " ")}</h1>
          <p className="muted">{noun.about}</p>
        </div>
        <div className="actions">
          {noun.actions
            .filter((action) => action.key === null)
            .map((action) => (
              <ActionButton key={action.name} action={action} onDo={() => setAsked({ action, given: {} })} />
            ))}
        </div>
      </div>
      {noun.list ? <List api={api} noun={noun} list={noun.list} onDo={setAsked} /> : <Empty title="This resource has no list.">{noun.actions.length ? <p>Use the actions above.</p> : null}</Empty>}
      {asked ? <ActionDialog api={api} action={asked.action} given={asked.given} onClose={() => setAsked(null)} /> : null}
    </div>
  );
}

function List({ api, noun, list, onDo }: { api: Api; noun: Noun; list: Action; onDo: (asked: Asked) => void }) {
  const { filters = {} } = useSearch({ from: "/admin/$noun" });
  const navigate = useNavigate();
  const [shown, setShown] = useState<Row | null>(null);
  const [at, setAt] = useState(-1);
  const { isAllowed, refusal } = useMayRead(list.permission);
  const show = (next: Row) => void navigate({ to: "/admin/$noun", params: { noun: noun.name }, search: { filters: next } });
  const needs = (list.input.required ?? []).filter((name) => filters[name] === undefined);
  const pages = useInfiniteQuery<Record<string, unknown> & { next_cursor?: string | null }, Refusal>({
    queryKey: [list.name, "admin", filters],
    enabled: needs.length === 0 && isAllowed,
    queryFn: async ({ pageParam, signal }) => (await perform(list, { ...filters, ...(pageParam ? { cursor: pageParam } : {}) }, { signal })) as Record<string, unknown> & { next_cursor?: string | null },
    initialPageParam: "",
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
  const rows = pages.data?.pages.flatMap((page) => rowsOf(noun.name, page)) ?? [];
  const open = (row: Row) => {
    const id = noun.read ? idOf(noun, row) : null;
    if (id === null) setShown(row);
    else void navigate({ to: "/admin/$noun/$id", params: { noun: noun.name, id } });
  };
  useShortcuts([
    { keys: "j", says: "Next row", run: () => setAt((row) => Math.min(rows.length - 1, row + 1)) },
    { keys: "k", says: "Previous row", run: () => setAt((row) => Math.max(0, row - 1)) },
    {
      keys: "Enter",
      says: "Details of the row",
      run: () => {
        const row = rows[at];
        if (row) open(row);
      },
    },
  ]);
  if (refusal !== null) return <Empty title="You do not have access to these."><p>{refusal}</p></Empty>;
  return (
    <>
      <Filters api={api} list={list} filters={filters} isOpen={needs.length > 0} onShow={show} />
      <Panel title="Rows" aside={<Head list={list} filters={filters} onShow={show} />}>
        {needs.length > 0 ? (
          <Empty title={`Filter first by ${needs.join(", ")}.`} />
        ) : pages.error ? (
          <ErrorNotice error={pages.error} />
        ) : pages.isPending ? (
          <Skeleton rows={8} />
        ) : rows.length === 0 ? (
          <Empty title={Object.keys(filters).length ? "No matches" : `No ${noun.name} yet`}>
            {Object.keys(filters).length ? <Button onClick={() => show({})}>Clear filters</Button> : noun.actions.some((action) => action.verb === "create" || action.verb === "start") ? <p>Create one with the actions above.</p> : null}
          </Empty>
        ) : (
          <Rows api={api} noun={noun} rows={rows} chosen={at} onShow={open} />
        )}
      </Panel>
      {pages.hasNextPage ? (
        <div>
          <Button isBusy={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>
            More
          </Button>
        </div>
      ) : null}
      <Dialog title={shown ? nameOf(shown) : ""} isOpen={shown !== null} onClose={() => setShown(null)}>
        {shown ? (
          <RowShown
            api={api}
            noun={noun}
            row={shown}
            onDo={(asked) => {
              setShown(null);
              onDo(asked);
            }}
          />
        ) : null}
        <div className="actions">
          <Button onClick={() => setShown(null)}>Close</Button>
        </div>
      </Dialog>
    </>
  );
}

/** How it is sorted, and all of it to take away. */
function Head({ list, filters, onShow }: { list: Action; filters: Row; onShow: (filters: Row) => void }) {
  const orders = list.input.properties?.sort?.enum ?? [];
  const { sort, ...others } = filters;
  return (
    <span className="list-head">
      {orders.length > 0 ? (
        <select aria-label="Order" className="short" value={typeof sort === "string" ? sort : ""} onChange={(event) => onShow(event.target.value ? { ...others, sort: event.target.value } : others)}>
          {orders.map((order) => {
            const name = typeof order === "string" ? order : JSON.stringify(order);
            const isDefault = order === list.input.properties?.sort?.default;
            return (
              <option key={name} value={isDefault ? "" : name}>
                {ORDER_SAYS[name] ?? name}
              </option>
            );
          })}
        </select>
      ) : null}
      {list.hasCsv ? (
        <a className="button" data-size="small" href={address(ROUTES[list.name].path, {}, { ...filters, format: "csv" })} download={`${list.name}.csv`}>
          CSV
        </a>
      ) : null}
    </span>
  );
}


function Filters({ api, list, filters, isOpen, onShow }: { api: Api; list: Action; filters: Row; isOpen: boolean; onShow: (filters: Row) => void }) {
  const [filled, setFilled] = useState<Row>(filters);
  const { sort: _, ...properties } = list.input.properties ?? {};
  if (Object.keys(properties).length === 0) return null;
  const given = Object.entries(filters).filter(([name]) => name !== "sort");
  const without = (gone: string): Row => Object.fromEntries(Object.entries(filters).filter(([name]) => name !== gone));
  const show = (next: Row) => {
    setFilled(next);
    onShow(next);
  };
  return (
    <div className="stack">
      <details className="panel filters" open={isOpen || undefined}>
        <summary>Filter</summary>
        <form
          className="body stack"
          onSubmit={(event) => {
            event.preventDefault();
            onShow(filled);
          }}
        >
          <SchemaForm key={JSON.stringify(filters)} schema={{ ...list.input, properties }} definitions={api.definitions} value={filled} onChange={setFilled} />
          <div className="actions">
            <Button type="submit" kind="primary">
              Show
            </Button>
          </div>
        </form>
      </details>
      {given.length > 0 ? (
        <div className="buttons" role="group" aria-label="Active filters">
          {given.map(([name, value]) => (
            <Button key={name} size="small" onClick={() => show(without(name))} aria-label={`Remove the filter ${name}`}>
              {name.replaceAll("_", " ")}: {said(value)} ×
            </Button>
          ))}
          <Button size="small" kind="quiet" onClick={() => show({})}>
            Clear
          </Button>
        </div>
      ) : null}
    </div>
  );
}

const said = (value: JsonValue): string => (typeof value === "string" ? (value.length === 36 ? `…${value.slice(-8)}` : value) : JSON.stringify(value));
