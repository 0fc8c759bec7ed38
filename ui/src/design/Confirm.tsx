// Asks before something is done that cannot be undone: what it does, and what goes with it.

import type { ReactNode } from "react";

import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ErrorNotice } from "./Notice";

export function Confirm({ title, verb, isBusy, error, onConfirm, onClose, children }: { title: string; verb: string; isBusy: boolean; error: Error | null; onConfirm: () => void; onClose: () => void; children: ReactNode }) {
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <div>{children}</div>
      {error ? <ErrorNotice error={error} /> : null}
      <div className="actions">
        <Button onClick={onClose}>Cancel</Button>
        <Button kind="danger" isBusy={isBusy} onClick={onConfirm}>
          {verb}
        </Button>
      </div>
    </Dialog>
  );
}
