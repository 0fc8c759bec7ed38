// One pipeline, or a new one: what is stored of it is read here, and edited in the editor, which comes in a file of its own.

import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import { useRead } from "../../api/query";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { useKinds } from "./kinds";
import "./pipelines.css";

const Editor = lazy(async () => ({ default: (await import("./editor/Editor")).Editor }));

const TEMPLATE = `tegu: 1
name: my_pipeline
input: content
stages:
  summary:
    uses: summarize
    with: {instructions: Two sentences and the next step.}
`;

export function PipelinePage() {
  const { name } = useParams({ from: "/pipelines/$name" });
  const isNew = name === "new";
  const me = useRead("me_get", {}, { staleTime: 60_000 });
  const version = useRead("pipelines_get", { path: { pipeline: name } }, { enabled: !isNew });
  const stored = useRead("pipelines_export", { path: { pipeline: name }, query: { form: "yaml" } }, { enabled: !isNew });
  // What forms are made from: the editor comes whole, and nothing of it moves any more.
  const kinds = useKinds();
  const error = version.error ?? stored.error;
  if (error) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={error} />
      </main>
    );
  }
  // What is read comes in two answers: those of one version belong together.
  const isThere = isNew || (version.data !== undefined && version.data.hash === stored.data?.hash);
  if (!me.data || !isThere || kinds.isPending) return <Waiting />;
  return (
    <Suspense fallback={<Waiting />}>
      <Editor key={`${name} ${stored.data?.hash ?? ""}`} organizationId={me.data.organization_id} version={version.data ?? null} stored={stored.data?.text ?? TEMPLATE} />
    </Suspense>
  );
}

function Waiting() {
  return (
    <main id="main" className="page">
      <Panel>
        <Skeleton rows={8} />
      </Panel>
    </main>
  );
}
