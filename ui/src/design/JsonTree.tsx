// Any JSON, to look through: what is long is folded, and opened by a click or by keys.

import { Fragment, type ReactNode } from "react";

import type { JsonValue } from "../api/schema";

const OPEN_DEPTH = 2;
const SHOWN_MAX = 200;
const TEXT_MAX = 400;

interface Props {
  value: JsonValue;
  /** What a value is shown as instead, such as a link; null: as it is. */
  linked?: (name: string, value: JsonValue) => ReactNode;
}

export function JsonTree({ value, linked = () => null }: Props) {
  return (
    <div className="json-tree mono">
      <Value name="" value={value} depth={0} linked={linked} />
    </div>
  );
}

function Value({ name, value, depth, linked }: { name: string; value: JsonValue; depth: number; linked: NonNullable<Props["linked"]> }) {
  if (value === null || typeof value !== "object") return <>{linked(name, value) ?? <Plain value={value} />}</>;
  const entries: [string, JsonValue][] = Array.isArray(value) ? value.map((each, at) => [String(at), each]) : Object.entries(value);
  const told = Array.isArray(value) ? `[${value.length}]` : `{${entries.length}}`;
  if (entries.length === 0) return <span className="muted">{Array.isArray(value) ? "[]" : "{}"}</span>;
  return (
    <details open={depth < OPEN_DEPTH}>
      <summary className="muted">{told}</summary>
      <dl>
        {entries.slice(0, SHOWN_MAX).map(([key, each]) => (
          <Fragment key={key}>
            <dt>{key}</dt>
            <dd>
              <Value name={Array.isArray(value) ? name : key} value={each} depth={depth + 1} linked={linked} />
            </dd>
          </Fragment>
        ))}
      </dl>
      {entries.length > SHOWN_MAX ? <p className="muted">and {entries.length - SHOWN_MAX} more</p> : null}
    </details>
  );
}

function Plain({ value }: { value: string | number | boolean | null }) {
  if (typeof value !== "string") return <span data-kind={value === null ? "null" : typeof value}>{String(value)}</span>;
  if (value.length <= TEXT_MAX) return <span data-kind="string">{value === "" ? '""' : value}</span>;
  return (
    <details>
      <summary data-kind="string">{value.slice(0, TEXT_MAX)}…</summary>
      <span data-kind="string">{value.slice(TEXT_MAX)}</span>
    </details>
  );
}
