"""Facts of an operation by their plain names, sorted into the parts that hold them."""

from avatarkit.records import Account, Cleanup, JobResult, OperationState, PaidCall, Terms, Uploads

_PARTS = {
    "terms": Terms,
    "account": Account,
    "call": PaidCall,
    "job": JobResult,
    "uploads": Uploads,
    "cleanup": Cleanup,
}
_PLACES = {name: (part, name) for part, kind in _PARTS.items() for name in kind.model_fields}
_PLACES |= {
    "job_id": ("job", "id"),
    "job_state": ("job", "state"),
    "account": ("account", "id"),
    "uploads": ("uploads", "fate"),
}


def grouped(**facts):
    """Arguments of ``OperationState.revised``."""
    parts = {}
    for name, value in facts.items():
        if name in _PLACES:
            part, field = _PLACES[name]
            parts.setdefault(part, {})[field] = value
        else:
            parts[name] = value
    return parts


def an_operation(operation, provider, **facts):
    """An operation with facts from any of its parts."""
    return OperationState(operation=operation, provider=provider).revised(**grouped(**facts))
