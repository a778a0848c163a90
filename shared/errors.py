"""All errors of scholarstream, in one tree.

ScholarstreamError             exit 1: any error with a clear message ├── UsageError                 exit 2:
the command or a setting is wrong │   └── UnknownMetric          no metric has this name ├── InputRefused
exit 3: an input is refused; the error names the field and what would be right ├── VerificationFailed
exit 4: recomputation and published state differ ├── LogError                   the log cannot do what was
asked │   ├── LogUnavailable         locked, full or unreachable: the same call may succeed later │   │   └──
Busy               the viewer has too much to do │   │       ├── TooManySubscribers  the limit of
subscriptions is reached │   │       └── StoreSlow          the viewer's store did not answer in time │
├── LogDamaged             the file is not a log, or is damaged: nothing may
write to it │   └── UnknownTopic           no such topic or partition ├── InputLost                  an input
topic lost records that were read from it: it was cut, deleted or made anew ├── AlreadyRunning
another process holds the role on this log ├── Fenced                     another process has taken over: this
one must not write any more ├── Superseded                 exit 0: a newer generation publishes, so this one
ends ├── Stopped                    exit 0: stopped while waiting for a log that does not answer ├──
CheckpointInvalid          a checkpoint is damaged or has another fingerprint: start without it ├──
ProtocolViolation          a rule of the position protocol is broken: stop, never skip │   └── NotAPack
a record of an internal topic that no stage wrote: refuse it and go on ├── ClockRefused               the day
of this machine cannot be right, or a person must confirm it ├── NotShown                   the newest
snapshot of an author does not follow the contract ├── StoreOutdated              the viewer's store is of
another log or release: make it anew └── SubscriptionClosed         the index has ended: no new
snapshots will come ├── SourceFault                a live source does not give its next page: wait, ask
again │   └── PlaceLost              a live source does not know its token any more: begin the pass again

NotAFile, an OSError           a path leads to something that is not a regular file
"""


class ScholarstreamError(Exception):
    """Base of all errors with a message for people. `exit_code` is the exit status of the process."""

    exit_code = 1


class UsageError(ScholarstreamError):
    """The command or a setting is wrong. The message names it and says what would be right."""

    exit_code = 2


class UnknownMetric(UsageError):
    """No metric has this name."""


class InputRefused(ScholarstreamError):
    """An event was refused.

    reason: a code of `shared.contracts.refusals`; field: dotted path; hint: what would be right.
    """

    exit_code = 3

    def __init__(self, reason: str, field: str, hint: str):
        super().__init__(f"{field}: {hint} [{reason}]" if field else f"{hint} [{reason}]")
        self.reason, self.field, self.hint = reason, field, hint


class VerificationFailed(ScholarstreamError):
    """Recomputation and published state differ."""

    exit_code = 4


class LogError(ScholarstreamError):
    """The log cannot do what was asked."""


class LogUnavailable(LogError):
    """The log is locked, full or unreachable. The same call may succeed later."""


class Busy(LogUnavailable):
    """The viewer has too much to do. The message is shown to people."""


class TooManySubscribers(Busy):
    """The limit of subscriptions is reached."""


class StoreSlow(Busy):
    """A question to the viewer's store took longer than it may."""


class LogDamaged(LogError):
    """The file is not a log, or is damaged. Nothing may write to it."""


class UnknownTopic(LogError):
    """No such topic or partition."""


class InputLost(ScholarstreamError):
    """An input topic lost records that were read from it."""


class AlreadyRunning(ScholarstreamError):
    """Another process holds the role on this log."""


class Fenced(ScholarstreamError):
    """Another process has taken over. This one must not write any more."""


class Superseded(ScholarstreamError):
    """A newer generation publishes, so this one ends."""

    exit_code = 0


class Stopped(ScholarstreamError):
    """The process was stopped while it waited for a log that does not answer."""

    exit_code = 0


class CheckpointInvalid(ScholarstreamError):
    """A checkpoint is damaged or has another fingerprint. The stage starts without it."""


class ProtocolViolation(ScholarstreamError):
    """A rule of the position protocol is broken. The stage stops; it never skips a record."""


class NotAPack(ProtocolViolation):
    """No stage of scholarstream wrote this record of an internal topic.

    It is refused, and the stage goes on.
    """


class ClockRefused(ScholarstreamError):
    """The day of this machine cannot be right, or a person must confirm it.

    tried: it is in the log, which refused it.
    """

    tried = False


class NotShown(ScholarstreamError):
    """The newest snapshot of an author does not follow the contract: another client wrote it."""


class StoreOutdated(ScholarstreamError):
    """The viewer's store is of another log, of another release, or damaged. It is made anew."""


class SubscriptionClosed(ScholarstreamError):
    """The index has ended. No new snapshots will come."""


class SourceFault(ScholarstreamError):
    """A live source does not give its next page. The same request may succeed later.

    wait: seconds that the source asks to wait; None: it does not say. status: of its answer; None without
    one. of_token: another token may help.
    """

    def __init__(
        self, reason: str, *, wait: float | None = None, status: int | None = None, of_token: bool = False
    ):
        super().__init__(reason)
        self.wait, self.status, self.of_token = wait, status, of_token


class PlaceLost(SourceFault):
    """A live source does not know its token any more. The pass begins again."""


class NotAFile(OSError):
    """A path leads to something that is not a regular file: a symbolic link, a folder, a pipe or a device."""
