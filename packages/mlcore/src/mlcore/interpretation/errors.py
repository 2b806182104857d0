"""What the functions of this package raise for arguments that do not fit."""

from mlcore.errors import UserError


class InterpretationError(UserError, ValueError):
    """An argument does not fit: which, what it is, and what would be right."""
