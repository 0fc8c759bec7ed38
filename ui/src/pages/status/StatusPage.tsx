// How the installation is: who works, what waits and why, what providers hold back, and what somebody has paused.

import { call } from "../../api/call";
import { stale, useRead } from "../../api/query";
import type { Installation, LimitLevel, LivingWorker, Pause } from "../../api/schema";
import { useMayRead } from "../../session/may";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Notice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Scroll } from "../../design/Scroll";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import { count, elapsed } from "../../design/words";
import { LastErrors } from "./LastErrors";
import { NewPause } from "./NewPause";
import { Standing } from "./Standing";

const LOOK_MS = 5_000;

export function StatusPage() {
  const operating = useMayRead("operate");
  const looks = { refetchInterval: LOOK_MS, enabled: operating.isAllowed };
  const found = useRead("installation_get", {}, looks);
  const workers = useRead("workers_list", { query: { limit: 200 } }, looks);
  const limits = useRead("limits_list", { query: { limit: 100 } }, looks);
  const pauses = useRead("pauses_list", { query: { limit: 100 } }, { refetchInterval: LOOK_MS });
  const installation = found.data?.installation;
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Status</h1>
      </div>
      <Standing look_ms={LOOK_MS} />
      {found.data?.problem ? <Notice tone="failed" title={found.data.problem} /> : null}
      {installation ? <h2>The whole installation</h2> : null}
      {installation ? <Figures installation={installation} /> : operating.refusal === null && !found.error ? <Skeleton rows={2} /> : null}
      {installation?.unserved.map((each) => (
        <Notice key={each.missing.join()} tone="failed" title={`${count(each.runs)} runs wait for ${each.missing.join(", ")}, which no worker provides.`} hint="Start a worker that registers it." />
      ))}
      {found.error ? <ErrorNotice error={found.error} /> : null}
      <Panel title="Paused">
        <Pauses pauses={pauses.data?.items} error={pauses.error} />
        <NewPause />
      </Panel>
      <LastErrors />
      {operating.refusal === null ? (
        <>
          <Panel title="Workers">
            <Workers workers={workers.data?.items} error={workers.error} />
          </Panel>
          <Panel title="Provider limits">
            <Limits limits={limits.data?.items} error={limits.error} />
          </Panel>
        </>
      ) : (
        <p className="muted">
          Single workers and the limits of providers are for operators of the installation: those whose addresses stand in <code>TEGU_OPERATORS</code> where it is started.
        </p>
      )}
    </main>
  );
}

function Figures({ installation }: { installation: Installation }) {
  const { backlog, leases } = installation;
  const figures: [string, string][] = [
    ["due now", count(backlog.due)],
    ["oldest waiting", elapsed(backlog.oldest_due_s)],
    ["waiting", count(backlog.waiting)],
    ["scheduled", count(backlog.scheduled)],
    ["runs in progress", count(leases.owned)],
    ["stages", count(installation.stages)],
    ["calls", count(installation.calls)],
    ["stranded", count(leases.stranded)],
  ];
  return (
    <>
      <dl className="facts">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {installation.reasons.length > 0 ? (
        <p className="muted">Runs are waiting for: {installation.reasons.map((reason) => `${reason.code.replaceAll("_", " ")} (${count(reason.runs)})`).join(", ")}.</p>
      ) : null}
    </>
  );
}

function Pauses({ pauses, error }: { pauses: Pause[] | undefined; error: Error | null }) {
  if (error) return <ErrorNotice error={error} />;
  if (!pauses) return <Skeleton rows={1} />;
  if (pauses.length === 0) return <p className="body muted">Nothing is paused.</p>;
  const resume = async (pause: Pause) => {
    try {
      await call("pauses_remove", { query: pause.pipeline ? { pipeline: pause.pipeline } : {} });
      say("Resumed.");
    } catch (caught) {
      sayError(caught);
    }
    stale("pauses_list");
  };
  return (
    <ul className="latest">
      {pauses.map((pause) => (
        <li key={`${pause.pipeline ?? ""} ${pause.is_everybodys}`} className="paused">
          <span>
            {pause.is_everybodys ? "everybody's runs" : (pause.pipeline ?? "all runs of the organization")}
            {pause.reason ? <span className="muted">: {pause.reason}</span> : null}
          </span>
          <span className="muted">
            <Time at={pause.paused_at} />
          </span>
          <Button size="small" refusal={pause.is_everybodys ? "Only operators can do this." : null} onClick={() => void resume(pause)}>
            Resume
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Workers({ workers, error }: { workers: LivingWorker[] | undefined; error: Error | null }) {
  if (error) return <ErrorNotice error={error} />;
  if (!workers) return <Skeleton rows={2} />;
  if (workers.length === 0) return <Empty title="No live worker: nothing runs. Start one with tegu worker." />;
  return (
    <Scroll label="Workers">
      <table className="rows">
        <thead>
          <tr>
            <th>Host</th>
            <th className="number">Process</th>
            <th>Version</th>
            <th className="number">Runs</th>
            <th className="number">Capacity</th>
            <th>Python stages</th>
            <th className="number">Last heartbeat</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.id}>
              <td className="truncate">{worker.host}</td>
              <td className="number">{worker.pid}</td>
              <td>{worker.version}</td>
              <td className="number">{count(worker.owned_runs)}</td>
              <td className="number">{count(worker.concurrency)}</td>
              <td className="truncate">{worker.functions.join(", ") || "none"}</td>
              <td className="number">
                <Time at={worker.beat_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

function Limits({ limits, error }: { limits: LimitLevel[] | undefined; error: Error | null }) {
  if (error) return <ErrorNotice error={error} />;
  if (!limits) return <Skeleton rows={2} />;
  if (limits.length === 0) return <p className="body muted">No provider has been called yet.</p>;
  return (
    <Scroll label="Limits of providers">
      <table className="rows">
        <thead>
          <tr>
            <th>Model</th>
            <th className="number">In progress</th>
            <th className="number">Window</th>
            <th className="number">Wait</th>
            <th className="number">Requests a minute</th>
            <th className="number">Paused for</th>
          </tr>
        </thead>
        <tbody>
          {limits.map((level) => (
            <tr key={`${level.place.key} ${level.place.model}`}>
              <td className="truncate">
                {level.place.provider}:{level.place.model}
              </td>
              <td className="number">{count(level.in_flight)}</td>
              <td className="number">{count(Math.floor(level.limit.window))}</td>
              <td className="number">{count(level.waiting)}</td>
              <td className="number">{count(level.limit.requests_per_minute)}</td>
              <td className="number">{level.paused_s > 0 ? elapsed(level.paused_s) : "—"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
