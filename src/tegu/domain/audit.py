"""What the audit log keeps of an action."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tegu.domain.actor import ActorKind
from tegu.domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Somebody asked for an action that was done. `target` holds the ids and names that it was about."""

    id: UUID
    at: datetime
    actor_kind: ActorKind
    actor_id: UUID | None
    actor_label: str
    action: str
    target: JsonObject
