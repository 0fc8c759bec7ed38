"""The web application: built from `ui/` into `dist`, served as files; it speaks to the REST interface and to nothing else."""
