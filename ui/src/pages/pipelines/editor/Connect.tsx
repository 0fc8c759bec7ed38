// Which stage shall read what another puts out: the dragging of a line, by keys.

import { Dialog } from "../../../design/Dialog";
import { Button } from "../../../design/Button";

export function Connect({ from, targets, onChoose, onClose }: { from: string; targets: string[]; onChoose: (to: string) => void; onClose: () => void }) {
  return (
    <Dialog title={`Which stage should read ${from}?`} isOpen onClose={onClose}>
      {targets.length === 0 ? <p className="muted">Every other stage already reads it, or comes before it.</p> : null}
      <ul className="targets">
        {targets.map((target) => (
          <li key={target}>
            <Button onClick={() => onChoose(target)}>{target}</Button>
          </li>
        ))}
      </ul>
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  );
}
