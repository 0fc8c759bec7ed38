// One pipeline, or a new one: what is stored of it is read here, and edited in the editor, which comes in a file of its own. An older
// version is looked at.

import { useParams, useSearch } from "@tanstack/react-router";
import { lazy, Suspense } from "react";

import { useRead } from "../../api/query";
import { ErrorNotice, Skeleton } from "../../design/Notice";
import { Panel } from "../../design/Panel";
import { useMe } from "../../session/me";
import { useKinds } from "./kinds";
import "./pipelines.css";

const Editor = lazy(async () => ({ default: (await import("./editor/Editor")).Editor }));
const VersionPage = lazy(async () => ({ default: (await import("./VersionPage")).VersionPage }));

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
  const { version, edit } = useSearch({ from: "/pipelines/$name" });
  if (version === undefined) return <Edited key={name} name={name} edit={edit} />;
  return (
    <main id="main" className="page">
      <Suspense fallback={<Waiting />}>
        <VersionPage key={`${name} ${version}`} name={name} number={version} />
      </Suspense>
    </main>
  );
}

function Edited({ name, edit }: { name: string; edit: number | undefined }) {
  const isNew = name === "new";
  const me = useMe();
  const version = useRead("pipelines_get", { path: { pipeline: name } }, { enabled: !isNew });
  const stored = useRead("pipelines_export", { path: { pipeline: name }, query: { form: "written" } }, { enabled: !isNew });
  const edited = useEdit(name, edit);
  // What forms are made from: the editor comes whole, and nothing of it moves any more.
  const kinds = useKinds();
  const error = version.error ?? stored.error ?? edited.error;
  if (error) {
    return (
      <main id="main" className="page">
        <ErrorNotice error={error} />
      </main>
    );
  }
  // What is read comes in two answers: those of one version belong together.
  const isThere = isNew || (version.data !== undefined && version.data.hash === stored.data?.hash);
  if (!me.data || !isThere || kinds.isPending || edited.isPending) {
    return (
      <main id="main" className="page">
        <Waiting />
      </main>
    );
  }
  return (
    <Suspense
      fallback={
        <main id="main" className="page">
          <Waiting />
        </main>
      }
    >
      <Editor key={`${name} ${stored.data?.hash ?? ""}`} organizationId={me.data.organization_id} version={version.data ?? null} stored={stored.data?.text ?? TEMPLATE} edit={edited.edit} />
    </Suspense>
  );
}

/** A draft, and the version that it is an edit of. */
function useEdit(name: string, edit: number | undefined) {
  const isAsked = edit !== undefined;
  const after = useRead("pipelines_get", { path: { pipeline: `${name}@${edit}` } }, { enabled: isAsked });
  const of = after.data?.edit_of ?? null;
  const before = useRead("pipelines_get", { path: { pipeline: `${name}@${of}` } }, { enabled: of !== null });
  const isPending = isAsked && !after.error && !before.error && (after.data === undefined || (of !== null && before.data === undefined));
  const found = isAsked && after.data && before.data ? { before: before.data, after: after.data } : null;
  return { edit: found, error: isAsked ? (after.error ?? before.error) : null, isPending };
}

function Waiting() {
  return (
    <Panel>
      <Skeleton rows={8} />
    </Panel>
  );
}
