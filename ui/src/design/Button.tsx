// What does something. One that cannot now says why, and stays reachable, so that the reason can be read by everybody.

import type { ButtonHTMLAttributes, ReactNode } from "react";

interface Props extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "disabled"> {
  kind?: "plain" | "primary" | "danger" | "quiet";
  size?: "normal" | "small";
  /** Why it cannot be pressed now. */
  refusal?: string | null;
  isBusy?: boolean;
  shortcut?: string;
  children: ReactNode;
}

export function Button({ kind = "plain", size = "normal", refusal, isBusy, shortcut, children, onClick, type = "button", title, ...rest }: Props) {
  const isOff = Boolean(refusal) || isBusy;
  return (
    <button
      {...rest}
      type={type}
      className="button"
      data-kind={kind}
      data-size={size}
      aria-disabled={isOff || undefined}
      aria-busy={isBusy || undefined}
      title={refusal ? undefined : title}
      aria-description={refusal ?? undefined}
      data-refusal={refusal ?? undefined}
      onClick={(event) => {
        if (isOff) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {children}
      {shortcut ? <kbd aria-hidden="true">{shortcut}</kbd> : null}
    </button>
  );
}
