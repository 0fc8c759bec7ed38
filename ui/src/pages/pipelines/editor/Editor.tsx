// The editor of a pipeline: a canvas and its text, side by side and one; forms, problems, tries, and what publishing changes.

import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";

import { call } from "../../../api/call";
import { stale } from "../../../api/query";
import type { PipelineVersion } from "../../../api/schema";
import { useMay } from "../../../app/may";
import { useShortcuts } from "../../../app/shortcuts";
import { Button } from "../../../design/Button";
import { ErrorNotice, Notice } from "../../../design/Notice";
import { Panel } from "../../../design/Panel";
import { Time } from "../../../design/Time";
import { say, sayError } from "../../../design/toasts";
import { NotationContext } from "../../../forms/written";
import { Difference } from "../Difference";
import { Versions } from "../Versions";
import { Alone } from "./Alone";
import { Canvas } from "./Canvas";
import { Connect } from "./Connect";
import "./editor.css";
import { YAML } from "./notation";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { useSamples } from "./samples";
import { stagesOf, targetsOf } from "./stages";
import { StagePanel, type View } from "./StagePanel";
import { TextPane } from "./TextPane";
import { TryPanel } from "./TryPanel";
import { keepDraft, keptDraft } from "./useDraft";
import { useEditor, type EditorState } from "./useEditor";
import { useTry, type Try } from "./useTry";

interface Props {
  organizationId: string;
  version: PipelineVersion | null;
  stored: string;
}

export function Editor({ organizationId, version, stored }: Props) {
  const of = `${organizationId}/${version?.name ?? "new"}`;
  const editor = useEditor(of, stored, version);
  const trial = useTry();
  const [asks, setAsks] = useState<"add" | "connect" | "alone" | null>(null);
  const [sampleId, setSampleId] = useState("");
  const [model, setModel] = useState("");
  const [view, setView] = useState<View>("configure");
  const { chosen, draft, problems } = editor;
  const input = typeof editor.drawn.input === "string" ? editor.drawn.input : "content";
  const offered = useSamples(input);
  const sample = offered.samples.find((each) => each.id === sampleId) ?? offered.samples[0];
  const may = useMay();
  const runRefusal = may("pipelines:write") ?? may("runs:write") ?? noRun();
  function noRun(): string | null {
    if (trial.isBusy) return "A try is starting.";
    if (sample === undefined) return "There is no sample yet.";
    if (!editor.isFresh) return "The text is still being checked.";
    return problems.length > 0 ? "Fix the problems first." : null;
  }
  const runTo = (upTo: string | null) => {
    if (runRefusal !== null || !sample) {
      say("It cannot be tried yet.", runRefusal);
      return;
    }
    setView("tried");
    void trial.start({ text: draft.text, data: editor.drawn, sample, upTo, model });
  };
  const openForm = () => {
    setView("configure");
    requestAnimationFrame(() => document.getElementById("stage-name")?.focus());
  };
  const onChosen = (act: (name: string) => void) => () => (chosen === null ? say("No stage is selected.", "Click one, or move there with Tab and the arrow keys.") : act(chosen));
  useShortcuts([
    { keys: "← ↑ → ↓", says: "Move between stages", run: () => undefined },
    { keys: "↵", says: "Configure the stage", run: () => undefined },
    { keys: "a", says: "Add a stage after the selected one", run: () => setAsks("add") },
    { keys: "c", says: "Connect the stage to another", run: onChosen(() => setAsks("connect")) },
    { keys: "d", says: "Duplicate the stage", run: onChosen(editor.duplicate) },
    { keys: "F2", says: "Rename the stage", run: onChosen(openForm) },
    { keys: "Delete", says: "Delete the stage", run: onChosen(editor.remove) },
    { keys: "x", says: "Run to the stage on a sample", run: onChosen(runTo) },
    { keys: "e", says: "Edit the text", run: () => document.getElementById("document")?.focus() },
    { keys: "Ctrl+z", says: "Undo", run: draft.undo },
    { keys: "Ctrl+Shift+z", says: "Redo", run: draft.redo },
  ]);
  const runs = trial.asDrawn(editor.drawn);
  // As it was checked last: what is below does not come and go with every key.
  const [differing, setDiffering] = useState<string | null>(null);
  const differs = problems.length === 0 && editor.checked?.hash !== version?.hash ? draft.text : null;
  if (editor.isFresh && differs !== differing) setDiffering(differs);
  return (
    <NotationContext value={YAML}>
      <main id="main" className="page">
        <Head editor={editor} of={of} version={version} stored={stored} />
        {editor.error ? <ErrorNotice error={editor.error} /> : null}
        <div className="columns pipeline-columns">
          <div className="stack">
            <Panel title="Canvas" aside={<Tools editor={editor} onAdd={() => setAsks("add")} />}>
              {editor.reading.error ? (
                <Notice tone="failed" title={`The text cannot be read${editor.reading.error.line ? ` (line ${editor.reading.error.line})` : ""}: ${editor.reading.error.message}`} hint="The canvas shows the last text that could be read." />
              ) : editor.isList ? (
                <Notice tone="waiting" title="This document lists its stages and edges." hint="The canvas draws documents whose stages are named by their keys. Publish it once, and read it again: then it is one." />
              ) : null}
              {editor.isList ? null : (
                <Canvas
                  wiring={editor.wiring}
                  input={input}
                  groupOf={(kind) => editor.kinds.find((each) => each.name === kind)?.group}
                  problems={editor.byStage}
                  runs={runs}
                  chosen={chosen}
                  focused={editor.focused}
                  onChoose={editor.choose}
                  onOpen={openForm}
                  onAdd={() => setAsks("add")}
                  onConnect={editor.connect}
                  onDisconnect={editor.disconnect}
                  onProblem={editor.showProblem}
                />
              )}
            </Panel>
            <StagePanel editor={editor} trial={trial} view={view} onView={setView} onConnect={() => setAsks("connect")} onAlone={() => setAsks("alone")} />
          </div>
          <div className="stack">
            <TextPanel editor={editor} />
            <TryPanel trial={trial} offered={offered} sample={sample?.id ?? ""} model={model} stage={chosen} refusal={runRefusal} onSample={setSampleId} onModel={setModel} onRun={runTo} />
            {version && differing !== null ? <Difference before={`${version.name}@${version.number}`} text={differing} /> : null}
            {version ? <Versions version={version} /> : null}
          </div>
        </div>
        <Asked asks={asks} editor={editor} trial={trial} onClose={() => setAsks(null)} />
      </main>
    </NotationContext>
  );
}

const counted = (stages: number): string => (stages === 1 ? "1 stage" : `${stages} stages`);

function Asked({ asks, editor, trial, onClose }: { asks: "add" | "connect" | "alone" | null; editor: EditorState; trial: Try; onClose: () => void }) {
  const { chosen } = editor;
  const done = (act: () => void) => {
    onClose();
    act();
  };
  if (asks === "add") return <Palette kinds={editor.kinds} after={chosen} onChoose={(kind) => done(() => editor.add(kind))} onClose={onClose} />;
  if (chosen === null) return null;
  if (asks === "connect") return <Connect from={chosen} targets={targetsOf(editor.drawn, chosen)} onChoose={(to) => done(() => editor.connect(chosen, to))} onClose={onClose} />;
  if (asks === null) return null;
  const reads = editor.wiring.find((each) => each.name === chosen)?.upstream ?? [];
  return <Alone stage={chosen} inputs={reads.map((name) => ({ name, run: trial.stages.get(name) }))} onRun={(outputs) => done(() => void trial.alone(editor.drawn, chosen, outputs))} onClose={onClose} />;
}

function Tools({ editor: { draft }, onAdd }: { editor: EditorState; onAdd: () => void }) {
  return (
    <div className="tools">
      <Button size="small" kind="quiet" refusal={draft.canUndo ? null : "Nothing to undo."} onClick={draft.undo} title="Undo (Ctrl+Z)">
        Undo
      </Button>
      <Button size="small" kind="quiet" refusal={draft.canRedo ? null : "Nothing to redo."} onClick={draft.redo} title="Redo (Ctrl+Shift+Z)">
        Redo
      </Button>
      <Button size="small" shortcut="a" onClick={onAdd}>
        Add a stage
      </Button>
    </div>
  );
}

function TextPanel({ editor }: { editor: EditorState }) {
  const { checked, problems } = editor;
  const wrong = new Map<number, "problem" | "warning">();
  for (const each of checked?.warnings ?? []) if (each.line) wrong.set(each.line, "warning");
  for (const each of problems) if (each.line) wrong.set(each.line, "problem");
  const said = !editor.isFresh ? "checking…" : problems.length === 0 ? "no problems" : problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return (
    <Panel title="Text" aside={<span className="muted" role="status">{said}</span>}>
      <TextPane
        text={editor.draft.text}
        wrong={wrong}
        shown={editor.shown}
        onChange={(text) => editor.draft.change(text, "typing")}
        onLine={editor.chooseAt}
        onUndo={editor.draft.undo}
        onRedo={editor.draft.redo}
      />
      <Problems checked={checked} error={editor.checkError} onChoose={editor.showProblem} />
    </Panel>
  );
}

function Head({ editor, of, version, stored }: { editor: EditorState; of: string; version: PipelineVersion | null; stored: string }) {
  const navigate = useNavigate();
  const [isBusy, setIsBusy] = useState(false);
  const [kept] = useState(() => keptDraft(of));
  const { draft, checked, isFresh, problems } = editor;
  const isChanged = version === null ? draft.text !== stored : isFresh && problems.length === 0 ? checked?.hash !== version.hash : draft.text !== stored;
  const isSame = version !== null && isFresh && checked?.hash === version.hash;
  const may = useMay();
  const refusal = may("pipelines:write") ?? (!isFresh ? "The text is still being checked." : problems.length > 0 ? "Fix the problems first." : isSame ? "There are no changes." : null);
  const publish = async () => {
    setIsBusy(true);
    try {
      const { text } = draft;
      const made = await call("pipelines_create", { body: { text } }, { isOnce: true });
      keepDraft(of, null);
      keepDraft(of.replace(/[^/]*$/, made.name), { text, base: made.hash, at: new Date().toISOString(), isPublished: true });
      say(`Published version ${made.number} of ${made.name}.`, "Runs in progress finish on the version they started with.");
      stale("pipelines_get", "pipelines_export", "pipelines_list", "pipeline_versions_list");
      void navigate({ to: "/pipelines/$name", params: { name: made.name } });
    } catch (error) {
      sayError(error);
    }
    setIsBusy(false);
  };
  const name = checked?.name ?? null;
  return (
    <>
      <div className="head">
        <div>
          <h1>{version?.name ?? "New pipeline"}</h1>
          <div className="muted">
            {version ? (
              <>
                v{version.number}
                {version.is_current ? ", current" : ""}
                {version.archived_at ? ", archived" : ""} · <Time at={version.created_at} /> ·{" "}
              </>
            ) : null}
            {isChanged ? "draft, kept in this browser" : version ? "published" : "not written yet"} · {counted(Object.keys(stagesOf(editor.drawn)).length)}
          </div>
        </div>
        <div className="actions">
          <Button refusal={isChanged ? null : "There are no changes."} onClick={draft.discard}>
            Discard draft
          </Button>
          <Button kind="primary" refusal={refusal} isBusy={isBusy} onClick={() => void publish()}>
            {version && name && name !== version.name ? `Publish as ${name}` : "Publish"}
          </Button>
        </div>
      </div>
      {kept && isChanged && !kept.isPublished ? (
        <Notice
          title={
            <>
              This is an unpublished draft of <Time at={kept.at} />.
            </>
          }
          hint={kept.base !== (version?.hash ?? null) ? `It started from another version than the current one${version ? `, v${version.number}` : ""}: review the changes before you publish.` : "Publish it, or discard it to see what is published."}
        />
      ) : null}
    </>
  );
}
