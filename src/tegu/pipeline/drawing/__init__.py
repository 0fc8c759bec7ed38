"""Pictures of pipelines, as Mermaid and as SVG: pure functions of a definition and of where its stages stand."""
