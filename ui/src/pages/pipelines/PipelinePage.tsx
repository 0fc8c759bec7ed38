// One pipeline: its graph beside its text. The text is checked while it is written; publishing makes a version, and any version can be
// gone back to.

import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useDeferredValue, useMemo, useState } from "react";

import { call, Refusal } from "../../api/call";
import { stale, useRead } from "../../api/query";
import type { CheckedDocument, PipelineVersion } from "../../api/schema";
import { useShortcuts } from "../../app/shortcuts";
import { Button } from "../../design/Button";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { Time } from "../../design/Time";
import { say, sayError } from "../../design/toasts";
import { Graph } from "../run/Graph";
import { wiringOf } from "../../graph/wiring";
import "../run/run.css";
import { Difference } from "./Difference";
import "./pipelines.css";

const TEMPLATE = `tegu: 1
name: my_pipeline
input: content
stages:
  summary:
    uses: summarize
    with: {instructions: Two sentences and the next step.}
`;
const NOTHING = new Map<string, never>();

export function PipelinePage() {
  const { name } = useParams({ from: "/pipelines/$name" });
  const isNew = name === "new";
  const version = useRead("pipelines_get", { path: { pipeline: name } }, { enabled: !isNew });
  const stored = useRead("pipelines_export", { path: { pipeline: name }, query: { form: "yaml" } }, { enabled: !isNew });
  if (version.error) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={version.error} />
      </main>
    );
  }
  if (!isNew && (!version.data || !stored.data)) {
    return (
      <main id="main" className="page">
        <Panel>
          <Skeleton rows={8} />
        </Panel>
      </main>
    );
  }
  return <Editor key={stored.data?.hash ?? "new"} version={version.data ?? null} stored={stored.data?.text ?? TEMPLATE} />;
}

function Editor({ version, stored }: { version: PipelineVersion | null; stored: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState(stored);
  const [stage, setStage] = useState<string | undefined>();
  const [isBusy, setIsBusy] = useState(false);
  const asked = useDeferredValue(text);
  const checked = useQuery<CheckedDocument, Refusal>({
    queryKey: ["pipelines_check", asked],
    queryFn: ({ signal }) => call("pipelines_check", { body: { text: asked } }, { signal }),
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  const wiring = useMemo(() => (version ? wiringOf(version) : []), [version]);
  const isChanged = text !== stored || version === null;
  const problems = checked.data?.problems ?? [];
  const isChecked = asked === text && checked.isSuccess && !checked.isPlaceholderData;
  const refusal = !isChanged ? "Nothing was changed." : !isChecked ? "The text is being checked." : problems.length > 0 ? "What is wrong must be mended first." : null;
  const publish = async () => {
    setIsBusy(true);
    try {
      const made = await call("pipelines_create", { body: { text } }, { idempotencyKey: crypto.randomUUID() });
      say(`Version ${made.number} of ${made.name} is published.`, "Runs that are under way end on the version that they began with.");
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
      void navigate({ to: "/pipelines/$name", params: { name: made.name } });
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  useShortcuts([{ keys: "e", says: "Edit the text", run: () => document.getElementById("document")?.focus() }]);
  return (
    <main id="main" className="page">
      <div className="head">
        <div>
          <h1>{version?.name ?? "New pipeline"}</h1>
          {version ? (
            <div className="muted">
              v{version.number}
              {version.is_current ? ", current" : ""}
              {version.archived_at ? ", archived" : ""} · <Time at={version.created_at} />
            </div>
          ) : null}
        </div>
        <div className="actions">
          {isChanged && version ? <Button onClick={() => setText(stored)}>Undo all</Button> : null}
          <Button kind="primary" refusal={refusal} isBusy={isBusy} onClick={() => void publish()}>
            Publish
          </Button>
        </div>
      </div>
      <div className="pipeline-columns">
        <Panel title="Text" aside={<span className="muted">{problems.length === 0 ? "no problems" : problems.length === 1 ? "1 problem" : `${problems.length} problems`}</span>}>
          <label className="visually-hidden" htmlFor="document">
            The pipeline as YAML
          </label>
          <textarea id="document" className="document" spellCheck={false} value={text} onChange={(event) => setText(event.target.value)} aria-describedby="problems" />
          <Problems checked={checked.data} text={text} error={checked.error} />
        </Panel>
        <div className="stack">
          {version ? (
            <Panel title="Graph" aside={<span className="muted">as it is published</span>}>
              <Graph wiring={wiring} runs={NOTHING} spent={NOTHING} chosen={stage} onChoose={setStage} />
            </Panel>
          ) : null}
          {version && isChanged && isChecked && problems.length === 0 ? <Difference before={`${version.name}@${version.number}`} text={asked} /> : null}
          {version ? <Versions version={version} /> : null}
        </div>
      </div>
    </main>
  );
}

function Problems({ checked, text, error }: { checked: CheckedDocument | undefined; text: string; error: Error | null }) {
  if (error) return <ErrorNotice error={error} />;
  const show = (line: number | null) => {
    const area = document.getElementById("document") as HTMLTextAreaElement | null;
    if (area === null || line === null) return;
    const start = text.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (text.split("\n")[line - 1]?.length ?? 0));
  };
  return (
    <ul id="problems" className="problems" aria-live="polite">
      {checked?.problems.map((problem) => (
        <li key={`${problem.place} ${problem.message}`}>
          <button type="button" onClick={() => show(problem.line)}>
            <code>{problem.line ? `line ${problem.line}` : problem.place}</code> {problem.message} {problem.hint ? <span className="muted">{problem.hint}</span> : null}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Versions({ version }: { version: PipelineVersion }) {
  const versions = useRead("pipeline_versions_list", { query: { pipeline: version.name, limit: 50 } });
  const back = async (number: number) => {
    try {
      await call("pipelines_rollback", { path: { pipeline: version.name }, body: { to: number } });
      say(`Version ${number} is current again.`);
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <Panel title="Versions" aside={<Link to="/runs" search={{ q: `pipeline:${version.name}` }}>its runs</Link>}>
      {versions.error ? <ErrorNotice error={versions.error} /> : null}
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
              <Button size="small" onClick={() => void back(each.number)}>
                Go back to it
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
