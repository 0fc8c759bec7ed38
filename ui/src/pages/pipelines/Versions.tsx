// The versions of a pipeline, any of which can be gone back to.

import { Link } from "@tanstack/react-router";

import { call } from "../../api/call";
import { stale, useRead } from "../../api/query";
import type { PipelineVersion } from "../../api/schema";
import { useMay } from "../../app/may";
import { Button } from "../../design/Button";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";

export function Versions({ version }: { version: PipelineVersion }) {
  const versions = useRead("pipeline_versions_list", { query: { pipeline: version.name, limit: 50 } });
  const refusal = useMay()("pipelines:write");
  const back = async (number: number) => {
    try {
      await call("pipelines_rollback", { path: { pipeline: version.name }, body: { to: number } });
      say(`Rolled back to version ${number}.`);
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Panel title="Versions" aside={<Link to="/runs" search={{ q: `pipeline:${version.name}` }}>runs</Link>}>
      {versions.error ? <ErrorNotice error={versions.error} /> : versions.isPending ? <Skeleton rows={2} /> : null}
      <ul className="versions">
        {versions.data?.items.map((each) => (
          <li key={each.id}>
            <strong>v{each.number}</strong>
            <span className="muted">
              <Time at={each.created_at} />
            </span>
            {each.is_current ? (
              <span>current</span>
            ) : (
              <Button size="small" refusal={refusal} onClick={() => void back(each.number)}>
                Roll back to it
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
