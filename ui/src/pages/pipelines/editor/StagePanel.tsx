// What is chosen, from near: a stage's form and how it went in the last try; or the pipeline as a whole.

import { own } from "../../../api/own";
import { Button } from "../../../design/Button";
import { Panel } from "../../../design/Panel";
import { Tabs } from "../../../design/Tabs";
import "../../../run/run.css";
import { StageDrawer } from "../../../run/StageDrawer";
import { HeadForm, StageForm } from "./StageForm";
import type { EditorState } from "./useEditor";
import type { Try } from "./useTry";

export type View = "configure" | "tried";

interface Props {
  editor: EditorState;
  trial: Try;
  view: View;
  onView: (view: View) => void;
  onConnect: () => void;
  onAlone: () => void;
}

export function StagePanel({ editor, trial, view, onView, onConnect, onAlone }: Props) {
  const { chosen } = editor;
  if (chosen === null) {
    return (
      <Panel title="The pipeline" aside={<span className="muted">select a stage to configure it</span>}>
        <HeadForm data={editor.drawn} schema={editor.documentSchema} problems={editor.problems} onChange={editor.change} />
      </Panel>
    );
  }
  const { run } = trial;
  return (
    <section className="panel" aria-label={`Stage ${chosen}`}>
      <Tabs
        label="What to look at"
        tabs={[
          { name: "configure", label: `Configure ${chosen}` },
          { name: "tried", label: "Last try" },
        ]}
        chosen={view}
        onChoose={onView}
      >
        <div className="body stage-actions">
          <Button size="small" shortcut="c" onClick={onConnect}>
            Connect
          </Button>
          <Button size="small" shortcut="d" onClick={() => editor.duplicate(chosen)}>
            Duplicate
          </Button>
          <Button size="small" refusal={trial.aloneRefusal(chosen)} onClick={onAlone}>
            Run alone…
          </Button>
          <Button size="small" kind="danger" onClick={() => editor.remove(chosen)}>
            Delete
          </Button>
        </div>
        {view === "configure" ? (
          <StageForm
            key={chosen}
            data={editor.drawn}
            name={chosen}
            kinds={editor.kinds}
            schema={editor.documentSchema}
            problems={editor.problems}
            onChange={editor.change}
            onRename={(to) => editor.rename(chosen, to)}
          />
        ) : run ? (
          <StageDrawer run={run} stage={trial.stages.get(chosen)} wired={editor.wiring.find((each) => each.name === chosen)} streamed={own(trial.said, chosen) ?? null} />
        ) : (
          <p className="body muted">Not tried yet. Run the pipeline to this stage on a sample.</p>
        )}
      </Tabs>
    </section>
  );
}
