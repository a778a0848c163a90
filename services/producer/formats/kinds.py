"""Whether a record counts by its kind. The setting `kinds` decides; a format only says what kind it is.

Formats use the words of `shared.contracts.record_kinds` for kinds that do not count by default.
"""

from services.producer.formats.fields import Count
from services.producer.formats.left_out import LeftOut
from shared.contracts.record_kinds import DEFAULT, RecordKinds

USUAL = RecordKinds(DEFAULT)


def is_left_out(kind: str, kinds: RecordKinds, leave_out: Count) -> bool:
    """Whether a record of this kind does not count. It is counted as left out then."""
    if kinds.count(kind):
        return False
    leave_out(LeftOut.KIND)
    return True
