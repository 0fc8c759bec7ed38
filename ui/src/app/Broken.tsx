// What stands in place of a page that broke: the way around it goes on, and so does whoever was there.

import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";

import { asError } from "../api/refusal";
import { Button } from "../design/Button";
import { ErrorNotice } from "../design/Notice";

export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const again = () => {
    reset();
    void router.invalidate();
  };
  return (
    <main id="main" className="page">
      <h1>This page broke.</h1>
      <ErrorNotice error={asError(error)} />
      <div className="actions">
        <Button kind="primary" onClick={again}>
          Try again
        </Button>
        <Button onClick={() => location.reload()}>Load everything anew</Button>
      </div>
    </main>
  );
}
