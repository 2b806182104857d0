"""The mistakes a user can make, each with the exit code that its command ends with.

Exit codes of every command: 0 done, 1 failed, 2 wrong command line or configuration, 3 data or checkpoint
missing or damaged, 4 diverged, 130 stopped by Ctrl-C, 143 stopped by SIGTERM. The command line prints
``str(error)`` and nothing else, so a message says what is wrong, where, and what would be right.
"""


class UserError(Exception):
    """Something that the user can put right. Other packages join in by an attribute ``exit_code`` alone."""

    exit_code: int = 1


class ConfigError(UserError):
    """A wrong command line or configuration. The text has one line a problem."""

    exit_code = 2


class CheckpointError(UserError):
    """A checkpoint is missing or damaged."""

    exit_code = 3


class RunNotFoundError(UserError):
    """No run folder answers to what was asked for, or more than one does."""

    exit_code = 3


class RunLockedError(UserError):
    """Another process is training in this run folder."""


class DivergedError(UserError):
    """Training produced no finite numbers for too long and was stopped."""

    exit_code = 4


class InterruptedRun(UserError):
    """A signal ended the run after its state had been saved.

    Args:
        message: what was saved, and where.
        exit_code: 130 for Ctrl-C, 143 for SIGTERM.
    """

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
