// Shows what something changes before it is done; Enter does it.

import { useEffect, useId, type ReactNode } from "react";

import { Button } from "../../design/Button";
import { Dialog } from "../../design/Dialog";

interface Props {
  title: string;
  hint: ReactNode;
  verb: string;
  isBusy: boolean;
  onConfirm: () => void;
  onClose: () => void;
  /** What changes. */
  children: ReactNode;
}

export function ChangesDialog({ title, hint, verb, isBusy, onConfirm, onClose, children }: Props) {
  const id = useId();
  useEffect(() => {
    const frame = requestAnimationFrame(() => document.getElementById(id)?.focus());
    return () => cancelAnimationFrame(frame);
  }, [id]);
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <p className="muted">{hint}</p>
      <div className="change-list" role="region" aria-label="Changes" tabIndex={0}>
        {children}
      </div>
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button id={id} kind="primary" isBusy={isBusy} onClick={onConfirm}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
