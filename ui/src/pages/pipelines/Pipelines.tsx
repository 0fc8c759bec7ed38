// The pipelines that there are, by name.

import { Link } from "@tanstack/react-router";

import { useRead } from "../../api/query";
import type { PipelineVersion } from "../../api/schema";
import { useMay } from "../../session/may";
import { Button } from "../../design/Button";
import { Empty, ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { wiringOf } from "../../graph/wiring";
import "./pipelines.css";

export function Pipelines() {
  const pipelines = useRead("pipelines_list", { query: { limit: 200, include_archived: true } });
  const refusal = useMay()("pipelines:write");
  return (
    <main id="main" className="page">
      <div className="head">
        <h1>Pipelines</h1>
        <div className="actions">
          {refusal === null ? (
            <Link to="/pipelines/$name" params={{ name: "new" }} className="button" data-kind="primary">
              New pipeline
            </Link>
          ) : (
            <Button kind="primary" refusal={refusal}>
              New pipeline
            </Button>
          )}
        </div>
      </div>
      <Panel>
        {pipelines.error ? <ErrorNotice error={pipelines.error} /> : null}
        {pipelines.isPending ? <Skeleton rows={6} /> : null}
        {pipelines.data?.items.length === 0 ? <Empty title="No pipelines yet" /> : null}
        <ul className="pipelines">
          {pipelines.data?.items.map((pipeline) => (
            <Row key={pipeline.id} pipeline={pipeline} />
          ))}
        </ul>
      </Panel>
    </main>
  );
}

function Row({ pipeline }: { pipeline: PipelineVersion }) {
  const stages = wiringOf(pipeline);
  return (
    <li data-archived={pipeline.archived_at !== null || undefined}>
      <Link to="/pipelines/$name" params={{ name: pipeline.name }}>
        <strong>{pipeline.name}</strong>
        <span className="muted">
          v{pipeline.number}
          {pipeline.archived_at ? ", archived" : ""}
        </span>
        <span className="muted truncate">{typeof pipeline.document.description === "string" ? pipeline.document.description : stages.map((stage) => stage.name).join(", ")}</span>
        <span className="muted">{stages.length === 1 ? "1 stage" : `${stages.length} stages`}</span>
        <span className="muted number">
          <Time at={pipeline.created_at} />
        </span>
      </Link>
    </li>
  );
}
