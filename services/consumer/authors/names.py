"""Names of the numbers that `authors` keeps and sends, and constants of authorships."""

import numpy as np

from shared.metrics import definitions

REFERENCES = definitions.names("references")
COUNTED = definitions.names("counted")
FIRST, LAST = 1, 2  # bits of a position in the byline
ABSENT = np.int32(-1)  # a count of an authorship that does not count, or that no source has given
# Evidence for the metrics, over the author's papers: references, references that lead to a paper, papers of
# large teams; and retracted papers of the author, whether they count or not.
EVIDENCE = ("references", "resolved", "large", "retracted")
WIDE = ("paper_shares", "citation_shares", "weight")  # units of shared/metrics/fixed.py
NARROW = ("own", "first", "last", "single", *EVIDENCE)
