from enum import StrEnum


class ActionKind(StrEnum):
    ACCOUNT = "account"
    CAPTCHA = "captcha"
    DEADLINE = "deadline"
    DUPLICATE = "duplicate"
    OPEN_URL = "open_url"
    PAYMENT = "payment"
    READ_TEXT = "read_text"
    RESULT = "result"
    RETRY = "retry"

    def __str__(self) -> str:
        return str(self.value)
