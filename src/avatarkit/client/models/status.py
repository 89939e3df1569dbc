from enum import StrEnum


class Status(StrEnum):
    ACTION_REQUIRED = "action_required"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    PENDING = "pending"
    PROCESSING = "processing"
    TRAINING = "training"

    def __str__(self) -> str:
        return str(self.value)
