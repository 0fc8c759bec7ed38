// How one's own organization stands: whether its runs are taken and go on, in a sentence, and the figures behind it.

import { Link } from "@tanstack/react-router";

import { useRead } from "../../api/query";
import type { RunBacklog } from "../../api/schema";
import { ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { count, elapsed } from "../../design/words";
import { verdictOf } from "./verdict";

export function Standing({ look_ms }: { look_ms: number }) {
  const found = useRead("runs_backlog", {}, { refetchInterval: look_ms });
  if (!found.data) return found.error ? <ErrorNotice error={found.error} /> : <Skeleton rows={3} />;
  const { tone, title, hint } = verdictOf(found.data);
  return (
    <section className="stack" aria-label="Your organization">
      {found.error ? <ErrorNotice error={found.error} /> : <Notice tone={tone} title={title} hint={hint} />}
      <Figures backlog={found.data} />
    </section>
  );
}

function Figures({ backlog }: { backlog: RunBacklog }) {
  const more = backlog.is_capped ? "+" : "";
  const figures: [string, string, string | null][] = [
    ["runs due", `${count(backlog.due)}${more}`, "status:pending"],
    ["oldest due", backlog.oldest_due_s === null ? "—" : elapsed(backlog.oldest_due_s), null],
    ["running", `${count(backlog.running)}${more}`, "status:running"],
    ["waiting", `${count(backlog.waiting)}${more}`, "status:waiting"],
    ["scheduled", `${count(backlog.scheduled)}${more}`, null],
    ["failed in 24 hours", `${count(backlog.failed_in_day)}${more}`, "status:failed since:1d"],
  ];
  return (
    <dl className="facts">
      {figures.map(([name, value, q]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{q === null ? value : <Link to="/runs" search={{ q }}>{value}</Link>}</dd>
        </div>
      ))}
    </dl>
  );
}
