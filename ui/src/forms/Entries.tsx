// Names of one's own, each with its value, a row each.

import type { JsonValue } from "../api/schema";
import { Button } from "../design/Button";
import { useWritten, word, type WrittenProps } from "./written";

interface Row {
  name: string;
  value: string;
}

const rowsOf = (value: JsonValue | undefined): Row[] =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value).map(([name, each]) => ({ name, value: each === null ? "" : word(each) })) : [];

export function Entries({ of, value, onChange, id, ...common }: WrittenProps & { of: "text" | "number"; "aria-labelledby": string }) {
  const [rows, setRows] = useWritten(value, rowsOf);
  const become = (next: Row[]) => {
    const named = next.filter((row) => row.name.trim() !== "");
    const means = named.length ? Object.fromEntries(named.map((row) => [row.name.trim(), of === "number" ? Number(row.value) : row.value])) : undefined;
    setRows(next, means);
    onChange(means);
  };
  const change = (at: number, row: Partial<Row>) => become(rows.map((each, index) => (index === at ? { ...each, ...row } : each)));
  return (
    <div className="entries" role="group" id={id} {...common}>
      {rows.map((row, index) => (
        <div key={index} className="entry">
          <input type="text" aria-label={`Name ${index + 1}`} placeholder="name" value={row.name} onChange={(event) => change(index, { name: event.target.value })} />
          <input type={of === "number" ? "number" : "text"} aria-label={row.name ? `Kind of ${row.name}` : `Value ${index + 1}`} value={row.value} onChange={(event) => change(index, { value: event.target.value })} />
          <Button kind="quiet" size="small" aria-label={`Remove ${row.name || `row ${index + 1}`}`} onClick={() => become(rows.filter((_, each) => each !== index))}>
            ×
          </Button>
        </div>
      ))}
      <Button size="small" onClick={() => setRows([...rows, { name: "", value: "" }], value)}>
        Add a row
      </Button>
    </div>
  );
}
