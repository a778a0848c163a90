"""catalogue: papers.v1 → paper-changes, paper-terms.

Checks each event, keeps the newest revision of each paper, and sends what changed.

Rows for the partition of the affected paper:

* `ended` (cited, citing): a citation ends.
* `paper`: the state of a paper. Its own partition gets everything. Partitions of cited papers get its
  authors, year and number of references.
* `edge` (cited, citing): a citation begins.
* `counted`: a citation count from a source. `reported`: novelties from sources. `retraction`: the paper is
  retracted, or no longer. `cites`: how many references a paper has that sources tell references of.

When the authors, the year or the number of references of a citing paper change, its citations end before the
change and begin again after it. So a citation always counts with what is known of its citing paper.

Rows for every shard of the term pairs: `text` (a published text of any revision: month, whether it is the
newest, term pairs).
"""

from collections.abc import Sequence

import numpy as np

from services.consumer.catalogue.batch import Batch
from services.consumer.catalogue.event_checks import Event, checked_events
from services.consumer.catalogue.output import send
from services.consumer.catalogue.revisions import Revisions
from services.consumer.catalogue.state import CatalogueState
from shared.columns.column import parts_of
from shared.columns.grouping import I64
from shared.log.port import Record

DECODED_BYTES = (
    512 << 10
)  # events that are Python objects at once; they can take a hundred times as much memory


class Catalogue(CatalogueState):
    """The catalogue stage of one partition."""

    def step(self, records: Sequence[Record]) -> None:
        sizes = np.fromiter((len(record.value) for record in records), I64, len(records))
        for piece in parts_of(sizes, DECODED_BYTES):
            events = self.read(records[piece])
            batch = Batch(len(events))
            Revisions(self, batch).apply(events)
            send(self, batch)

    def read(self, records: Sequence[Record]) -> list[Event]:
        """The valid events, in order. Other records are refused."""
        return checked_events(self, records)
