// A text as it was changed: lines that came are green and those that went red, each with its sign, for whoever sees no colours.

const IS: Record<string, "added" | "removed" | "place"> = { "+": "added", "-": "removed", "@": "place" };

export function LineDiff({ lines }: { lines: readonly string[] }) {
  return (
    <pre className="line-diff">
      {lines.map((line, at) => (
        <span key={at} data-is={IS[line.charAt(0)]}>
          {line}
          {"\n"}
        </span>
      ))}
    </pre>
  );
}
