"""What people call a version of a pipeline. Called by whoever shows one; published ones alone have numbers that people see."""


def version_label(number: int, *, is_draft: bool, edit_of: int | None) -> str:
    """`v2`; of a draft `v1, edited`, or `draft` where nothing was published before it."""
    if not is_draft:
        return f"v{number}"
    if edit_of is not None:
        return f"v{edit_of}, edited"
    return f"v{number}, not published" if number > 0 else "draft"


def pipeline_label(pipeline: str, number: int, label: str) -> str:
    """`invoices@2`, which is also how it is asked for; of a draft `invoices v1, edited`."""
    return f"{pipeline}@{number}" if label == f"v{number}" else f"{pipeline} {label}"
