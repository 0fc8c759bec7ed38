// One version of a pipeline, to be looked at: drawn, as its author wrote it, and beside the current one.

import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";

import { useRead } from "../../api/query";
import type { JsonValue, PipelineVersion } from "../../api/schema";
import { JsonTree } from "../../design/JsonTree";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { wiringOf } from "../../graph/wiring";
import { Graph } from "../../run/Graph";
import { Difference } from "./Difference";
import { Written } from "./editor/Written";
import { RollBack } from "./RollBack";
import { Published, Versions } from "./Versions";

export function VersionPage({ name, number }: { name: string; number: number }) {
  const version = useRead("pipelines_get", { path: { pipeline: `${name}@${number}` } });
  const current = useRead("pipelines_get", { path: { pipeline: name } });
  const written = useRead("pipelines_export", { path: { pipeline: `${name}@${number}` }, query: { form: "written" } });
  const error = version.error ?? current.error ?? written.error;
  if (error) return <ErrorNotice error={error} />;
  if (!version.data || !current.data || !written.data) {
    return (
      <Panel>
        <Skeleton rows={8} />
      </Panel>
    );
  }
  return <Shown version={version.data} current={current.data} text={written.data.text} />;
}

function Shown({ version, current, text }: { version: PipelineVersion; current: PipelineVersion; text: string }) {
  const { name, label } = version;
  return (
    <>
      <div className="head">
        <div>
          <h1>
            {name} {label}
          </h1>
          <div className="muted">
            {version.is_draft ? "not published" : version.is_current ? "current" : `v${current.number} is current`} · <Published version={version} />
          </div>
        </div>
        <div className="actions">
          {version.is_draft ? null : <RollBack version={version} current={current.number} />}
          <Link to="/pipelines/$name" params={{ name }} className="button">
            Open the editor
          </Link>
        </div>
      </div>
      <div className="columns pipeline-columns">
        <div className="stack">
          <Drawn version={version} />
          {version.is_current ? null : (
            <Panel title={`From v${current.number}, the current version, to ${label}`}>
              <Difference before={`${name}@${current.number}`} other={{ after: `${name}@${version.number}` }} same="Both versions do the same." />
            </Panel>
          )}
        </div>
        <div className="stack">
          <Panel title="Text" aside={<span className="muted">read only</span>}>
            <Written text={text} />
          </Panel>
          <Versions version={current} />
        </div>
      </div>
    </>
  );
}

function Drawn({ version }: { version: PipelineVersion }) {
  const [chosen, setChosen] = useState<string | undefined>(undefined);
  const wiring = useMemo(() => wiringOf(version), [version]);
  const stages = version.document.stages as Record<string, JsonValue>;
  return (
    <>
      <Panel title="Canvas" aside={<span className="muted">select a stage to see what it does</span>}>
        <Graph label={`Stages of ${version.name} ${version.label}`} wiring={wiring} runs={null} spent={new Map()} chosen={chosen} onChoose={setChosen} />
      </Panel>
      {chosen === undefined ? null : (
        <Panel title={chosen}>
          <div className="body">
            <JsonTree value={stages[chosen] ?? null} />
          </div>
        </Panel>
      )}
    </>
  );
}
