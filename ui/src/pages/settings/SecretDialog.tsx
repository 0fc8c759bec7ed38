// A secret that was made just now. It is shown here, once, and kept nowhere in the page.

import { Button } from "../../design/Button";
import { Copy } from "../../design/Copy";
import { Dialog } from "../../design/Dialog";
import { Notice } from "../../design/Notice";

export function SecretDialog({ title, secret, hint, onClose }: { title: string; secret: string; hint: string; onClose: () => void }) {
  return (
    <Dialog title={title} isOpen onClose={onClose}>
      <Copy text={secret} label="The secret" />
      <Notice title="It is not shown again." hint={hint} />
      <div className="actions">
        <Button kind="primary" onClick={onClose}>
          I have saved it
        </Button>
      </div>
    </Dialog>
  );
}
