"""The one tree of errors.

ScholarstreamError           exit 1: anything that has a clear message
├── UsageError               exit 2: the command or a setting is wrong
├── InputRefused             exit 3: an input was refused; says which field and what would be right
├── VerificationFailed       exit 4: recomputation and published state differ
├── LogError                 the log cannot do what was asked
│   ├── LogUnavailable       locked, full, unreachable: the same call may succeed later
│   ├── LogDamaged           the file is not a log, or is damaged: nobody should write to it
│   └── UnknownTopic         no such topic or partition
├── InputLost                an input no longer holds what was read from it: cut, deleted or made anew
├── AlreadyRunning           another process holds the role on this log
├── Fenced                   another process has taken over: this one must not write any more
├── Superseded               exit 0: a newer generation publishes, this one is over
├── Stopped                  exit 0: told to stop while it waited for a log that does not answer
├── CheckpointInvalid        a checkpoint is damaged or of another fingerprint: do without it
└── ProtocolViolation        a rule of the position protocol was broken: stop, never skip
    └── NotAPack             a record of an internal topic that none of our stages wrote: it is refused, and the stage goes on
"""


class ScholarstreamError(Exception):
    """Base of all errors with a message for people; `exit_code` is the process's exit status."""

    exit_code = 1


class UsageError(ScholarstreamError):
    exit_code = 2


class InputRefused(ScholarstreamError):
    """An event was refused. reason: a code of `shared.contracts.refusals`; field: dotted path; hint: what would be right."""

    exit_code = 3

    def __init__(self, reason: str, field: str, hint: str):
        super().__init__(f"{field}: {hint} [{reason}]" if field else f"{hint} [{reason}]")
        self.reason, self.field, self.hint = reason, field, hint


class VerificationFailed(ScholarstreamError):
    exit_code = 4


class LogError(ScholarstreamError):
    pass


class LogUnavailable(LogError):
    pass


class LogDamaged(LogError):
    pass


class UnknownTopic(LogError):
    pass


class InputLost(ScholarstreamError):
    pass


class AlreadyRunning(ScholarstreamError):
    pass


class Fenced(ScholarstreamError):
    pass


class Superseded(ScholarstreamError):
    exit_code = 0


class Stopped(ScholarstreamError):
    exit_code = 0


class CheckpointInvalid(ScholarstreamError):
    pass


class ProtocolViolation(ScholarstreamError):
    pass


class NotAPack(ProtocolViolation):
    pass
