"""Recorded exchanges with models: read as they are published, recorded for one's own tests, replayed over real HTTP.

    with recorded_models("tests/recorded/refund.yaml") as recorded:
        async with Tegu(credentials=recorded.credentials) as tegu:
            run = await tegu.run(pipeline, mail)

Called by users' tests, and by `tegu llm-replay`. Invariant: while something is replayed nothing is reached but this
machine, and no secret is written into a recording.
"""

from tegu.domain.errors import RecordingError
from tegu.testing.recorded.record_or_replay import Recorded, recorded_models

__all__ = ["Recorded", "RecordingError", "recorded_models"]
