// A question before the page: the browser's own dialog, which keeps the focus in and gives it back.

import { useEffect, useId, useRef, type ReactNode } from "react";

export function Dialog({ title, isOpen, onClose, children }: { title: string; isOpen: boolean; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    if (isOpen && !dialog.current?.open) dialog.current?.showModal();
    if (!isOpen && dialog.current?.open) dialog.current.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      {isOpen ? (
        <section>
          <h1 id={id} tabIndex={-1} autoFocus>
            {title}
          </h1>
          {children}
        </section>
      ) : null}
    </dialog>
  );
}
