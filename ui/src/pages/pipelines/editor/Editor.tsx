// The editor of a pipeline: a canvas and its text, side by side and one; forms, problems, tries, and what publishing changes.

import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

import { call } from "../../../api/call";
import type { PipelineVersion } from "../../../api/schema";
import { useMay } from "../../../session/may";
import { useShortcuts } from "../../../design/shortcuts";
import { Button } from "../../../design/Button";
import { ErrorNotice, Notice } from "../../../design/Notice";
import { Panel } from "../../../design/Panel";
import { say, sayError } from "../../../design/toasts";
import { NotationContext } from "../../../forms/written";
import { Difference } from "../Difference";
import { Versions } from "../Versions";
import { Alone } from "./Alone";
import { Canvas } from "./Canvas";
import { Connect } from "./Connect";
import { withEdit } from "./edit";
import "./editor.css";
import { Head } from "./Head";
import { YAML } from "./notation";
import { Palette } from "./Palette";
import { Problems } from "./Problems";
import { useSamples } from "./samples";
import { targetsOf } from "./stages";
import { StagePanel, type View } from "./StagePanel";
import { TextPane } from "./TextPane";
import { TryPanel } from "./TryPanel";
import { readText, rewritten } from "./text";
import type { Draft } from "./useDraft";
import { useEditor, type EditorState } from "./useEditor";
import { useTry, type Try } from "./useTry";

interface Props {
  organizationId: string;
  version: PipelineVersion | null;
  stored: string;
  /** What a run was made with, to be published: a draft, and the version that it is an edit of. */
  edit: { before: PipelineVersion; after: PipelineVersion } | null;
}

export function Editor({ organizationId, version, stored, edit }: Props) {
  const of = `${organizationId}/${version?.name ?? "new"}`;
  const [edited] = useState(() => textOf(stored, edit));
  const editor = useEditor(of, stored, version, edited);
  useSaidEdit(edit);
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
    { keys: "Shift+← ↑ → ↓", says: "Put the stage elsewhere on the canvas", run: () => undefined },
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
                <Unreadable editor={editor} />
              ) : editor.isList ? (
                <Notice tone="waiting" title="This document lists its stages and edges." hint="The canvas draws documents whose stages are named by their keys.">
                  {version ? (
                    <Button size="small" onClick={() => void byName(version, draft)}>
                      Rewrite what is published so
                    </Button>
                  ) : null}
                </Notice>
              ) : null}
              {editor.isList ? null : (
                <Canvas
                  wiring={editor.wiring}
                  places={editor.places}
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
            {version && differing !== null ? (
              <Panel title="Changes to publish">
                <Difference before={`${version.name}@${version.number}`} other={{ text: differing }} same="No changes: publishing would give the same version." />
              </Panel>
            ) : null}
            {version ? <Versions version={version} /> : null}
          </div>
        </div>
        <Asked asks={asks} editor={editor} trial={trial} onClose={() => setAsks(null)} />
      </main>
    </NotationContext>
  );
}

/** The author's text with the edit in it; null where there is none. */
function textOf(stored: string, edit: Props["edit"]): string | null {
  const { data } = readText(stored);
  return edit === null || data === null ? null : rewritten(stored, withEdit(data, edit.before.document, edit.after.document));
}

/** An edit that came by the address is a draft from then on. */
function useSaidEdit(edit: Props["edit"]): void {
  const navigate = useNavigate();
  const of = edit?.before;
  useEffect(() => {
    if (!of) return;
    say("The edit is in the text, as a draft.", "Review the changes, then publish.");
    void navigate({ to: "/pipelines/$name", params: { name: of.name }, replace: true });
  }, [of, navigate]);
}

async function byName(version: PipelineVersion, draft: Draft): Promise<void> {
  try {
    draft.change((await call("pipelines_export", { path: { pipeline: `${version.name}@${version.number}` }, query: { form: "yaml" } })).text);
  } catch (error) {
    sayError(error);
  }
}

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

function Tools({ editor: { draft, places, wiring }, onAdd }: { editor: EditorState; onAdd: () => void }) {
  const isMoved = wiring.some((stage) => places.places.has(stage.name));
  return (
    <div className="tools">
      <Button size="small" kind="quiet" refusal={isMoved ? null : "No stage was moved by hand."} onClick={places.arrange}>
        Arrange again
      </Button>
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

/** What is wrong is told once: below the text, as the service says it; by the reader of this page only where the service has nothing against it. */
function Unreadable({ editor: { reading, isFresh, problems } }: { editor: EditorState }) {
  const { line, message } = reading.error ?? { line: null, message: "" };
  const isTold = !isFresh || problems.length > 0;
  return <Notice tone="failed" title={isTold ? "The text cannot be read." : `The text cannot be read${line ? ` (line ${line})` : ""}: ${message}`} hint={`The canvas shows the last text that could be read.${isTold ? " What is wrong stands below the text." : ""}`} />;
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
