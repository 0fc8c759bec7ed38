// What is edited, where it stands, and what publishes it, after it has shown what changes.

import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../../../api/call";
import { stale } from "../../../api/query";
import type { PipelineVersion } from "../../../api/schema";
import { useMay } from "../../../session/may";
import { Button } from "../../../design/Button";
import { Notice } from "../../../design/Notice";
import { Time } from "../../../design/Time";
import { say, sayError } from "../../../design/toasts";
import { ChangesDialog } from "../ChangesDialog";
import { Difference } from "../Difference";
import { Published } from "../Versions";
import { takePlaces } from "./places";
import { stagesOf } from "./stages";
import { keepDraft, keptDraft } from "./useDraft";
import type { EditorState } from "./useEditor";

interface Props {
  editor: EditorState;
  of: string;
  version: PipelineVersion | null;
  stored: string;
}

export function Head({ editor, of, version, stored }: Props) {
  const [isAsked, setIsAsked] = useState(false);
  const [kept] = useState(() => keptDraft(of));
  const { draft, checked, isFresh, problems } = editor;
  const isGood = isFresh && problems.length === 0;
  const isChanged = draft.text !== stored || (version !== null && isGood && checked?.hash !== version.hash);
  const may = useMay();
  const refusal = may("pipelines:write") ?? (!isFresh ? "The text is still being checked." : problems.length > 0 ? "Fix the problems first." : version !== null && !isChanged ? "There are no changes." : null);
  const name = checked?.name ?? null;
  return (
    <>
      <div className="head">
        <div>
          <h1>{version?.name ?? "New pipeline"}</h1>
          <div className="muted">
            {version ? (
              <>
                {version.label}
                {version.is_current ? ", current" : ""}
                {version.archived_at ? ", archived" : ""} · <Published version={version} /> ·{" "}
              </>
            ) : null}
            {isChanged ? "draft, kept in this browser" : version ? "published" : "not written yet"} · {counted(Object.keys(stagesOf(editor.drawn)).length)}
          </div>
        </div>
        <div className="actions">
          <Button refusal={isChanged ? null : "There are no changes."} onClick={draft.discard}>
            Discard draft
          </Button>
          <Button kind="primary" refusal={refusal} onClick={() => setIsAsked(true)}>
            {version && name && name !== version.name ? `Publish as ${name}` : "Publish"}
          </Button>
        </div>
      </div>
      {kept && isChanged ? (
        <Notice
          title={
            <>
              This is an unpublished draft of <Time at={kept.at} />.
            </>
          }
          hint={kept.base !== (version?.hash ?? null) ? `It started from another version than the current one${version ? `, ${version.label}` : ""}: review the changes before you publish.` : "Publish it, or discard it to see what is published."}
        />
      ) : null}
      {isAsked && name !== null ? <Publishing editor={editor} of={of} version={version?.name === name ? version : null} name={name} onClose={() => setIsAsked(false)} /> : null}
    </>
  );
}

const counted = (stages: number): string => (stages === 1 ? "1 stage" : `${stages} stages`);

/** `version` is the current one of that name, where it is known here. */
function Publishing({ editor, of, version, name, onClose }: { editor: EditorState; of: string; version: PipelineVersion | null; name: string; onClose: () => void }) {
  const navigate = useNavigate();
  const [isBusy, setIsBusy] = useState(false);
  const [text] = useState(editor.draft.text); // what was shown is what is published
  const isSame = version !== null && editor.checked?.hash === version.hash;
  const publish = async () => {
    setIsBusy(true);
    try {
      const made = await call("pipelines_create", { body: { text } }, { isOnce: true });
      keepDraft(of, null);
      takePlaces(of, of.replace(/[^/]*$/, made.name), version === null);
      say(isSame ? `The text of ${made.label} is replaced.` : `Published ${made.label} of ${made.name}.`, isSame ? null : "Runs in progress finish on the version they started with.");
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
      onClose();
      void navigate({ to: "/pipelines/$name", params: { name: made.name } });
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  return (
    <ChangesDialog
      title={isSame ? `Replace the text of ${version.label}?` : `Publish ${name}?`}
      hint={isSame ? "Only comments and the way of writing change: it stays the same version." : version ? `It becomes the version that new runs take, after ${version.label}.` : "It becomes the version that new runs take."}
      verb={isSame ? "Replace" : "Publish"}
      isBusy={isBusy}
      onConfirm={() => void publish()}
      onClose={onClose}
    >
      {version ? <Difference before={`${version.name}@${version.number}`} other={{ text }} same="No stage changes." /> : <Stages editor={editor} />}
    </ChangesDialog>
  );
}

/** All that a first version has. */
function Stages({ editor }: { editor: EditorState }) {
  return (
    <ul className="changes">
      {editor.wiring.map((stage) => (
        <li key={stage.name} data-change="added">
          <span className="mark" aria-hidden="true">
            +
          </span>{" "}
          <strong>{stage.name}</strong> <span className="muted">added · {stage.uses}</span>
        </li>
      ))}
    </ul>
  );
}
