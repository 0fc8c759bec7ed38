// Rows of any kind: what stands plainly in them as columns, and links from what a row names to it.

import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

import type { JsonValue } from "../../api/schema";
import { Button } from "../../design/Button";
import { copied } from "../../design/Copy";
import { Scroll } from "../../design/Scroll";
import { Status } from "../../design/Status";
import { say } from "../../design/toasts";
import { fullTime, shortId } from "../../design/words";
import type { Api, Noun } from "./api";
import { targetOf } from "./relations";

export type Row = Record<string, JsonValue>;

const COLUMNS_MAX = 7;

export function Rows({ api, noun, rows, chosen, onShow }: { api: Api; noun: Noun; rows: Row[]; chosen: number; onShow: (row: Row) => void }) {
  const columns = columnsOf(rows);
  return (
    <Scroll label="Rows, as a table">
      <table className="rows">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column}>{titleOf(column)}</th>
            ))}
            <th>
              <span className="visually-hidden">details</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={typeof row.id === "string" ? row.id : index} data-at={index === chosen || undefined}>
              {columns.map((column) => (
                <td key={column} className="truncate">
                  <Cell api={api} noun={noun} name={column.split(".").at(-1) ?? column} value={at(row, column)} />
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

/** What stands plainly in the rows, then what stands plainly in what they hold, as `stage.status`. */
function columnsOf(rows: Row[]): string[] {
  const isPlain = (value: JsonValue | undefined) => value !== null && value !== undefined && (typeof value !== "object" || Array.isArray(value));
  const names = Object.keys(rows[0] ?? {}).filter((name) => name !== "organization_id");
  const plain = names.filter((name) => rows.some((row) => isPlain(row[name]) && row[name] !== ""));
  const held = names.flatMap((name) => {
    const first = rows.map((row) => row[name]).find(isHolding);
    return first === undefined || plain.length >= COLUMNS_MAX - 2 ? [] : Object.keys(first).filter((inner) => rows.some((row) => isPlain(at(row, `${name}.${inner}`)))).map((inner) => `${name}.${inner}`);
  });
  return [...plain, ...held].slice(0, COLUMNS_MAX);
}

const isHolding = (value: JsonValue | undefined): value is Row => typeof value === "object" && value !== null && !Array.isArray(value);

function at(row: Row, column: string): JsonValue | undefined {
  const [name = "", inner] = column.split(".");
  const found = row[name];
  return inner === undefined ? found : isHolding(found) ? found[inner] : undefined;
}

const titleOf = (column: string): string => (column.split(".").at(-1) ?? column).replaceAll("_", " ");

const STATUSES = ["pending", "running", "waiting", "completed", "failed", "skipped", "cancelled"] as const;

function Cell({ api, noun, name, value }: { api: Api; noun: Noun; name: string; value: JsonValue | undefined }) {
  if (value === null || value === undefined) return <span className="muted">—</span>;
  const link = linkOf(api, noun, name, value);
  if (link !== null) return <>{link}</>;
  if (typeof value === "string") {
    const status = name === "status" ? STATUSES.find((each) => each === value) : undefined;
    if (status !== undefined) return <Status status={status} />;
    if (name.endsWith("_at") || name === "at") return <>{fullTime(value)}</>;
    if (isHash(value)) return <Hash value={value} />;
    return <span title={value}>{isId(value) ? shortId(value) : value}</span>;
  }
  if (Array.isArray(value)) return <>{value.every((each) => typeof each !== "object") ? value.join(", ") : `${value.length}`}</>;
  return <>{typeof value === "object" ? JSON.stringify(value) : String(value)}</>;
}

const isId = (value: string): boolean => value.length === 36 && value.split("-").length === 5;

const isHash = (value: string): boolean => /^[0-9a-f]{32,}$/.test(value);
const HASH_SHOWN = 10;

/** Its beginning, and all of it to take along. */
function Hash({ value }: { value: string }) {
  const copy = async () => say((await copied(value)) ? "Copied." : "The browser does not let this page copy. Select it here:", value);
  return (
    <span className="hash">
      <span className="mono" title={value}>
        {value.slice(0, HASH_SHOWN)}…
      </span>
      <Button size="small" kind="quiet" aria-label={`Copy ${value.slice(0, HASH_SHOWN)}`} onClick={() => void copy()}>
        copy
      </Button>
    </span>
  );
}

/** A link to what a value names; null: it names nothing. */
export function linkOf(api: Api, noun: Noun, name: string, value: JsonValue): ReactNode {
  const target = targetOf(api, noun, name, value);
  if (target === null) return null;
  return (
    <Link to="/admin/$noun/$id" params={target} className={isId(target.id) ? "to mono" : "to"} title={target.id}>
      {isId(target.id) ? shortId(target.id) : target.id}
    </Link>
  );
}

export function nameOf(row: Row): string {
  const found = [row.name, row.email, row.id, row.run_id].find((each) => typeof each === "string");
  return typeof found === "string" ? found : "one";
}
