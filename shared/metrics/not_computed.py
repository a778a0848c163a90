"""Numbers that are shown as sources report them."""

from shared.metrics.metric import Metric

NOVELTY = Metric("novelty", "novelty", "Not computed yet; shown as sources report it.", "", "", "share", span="0 … 1", null="always",
                 bases=())  # fmt: skip
AI_SCORE = Metric("ai_score", "AI score", "Not computed yet; shown as sources report it.", "", "", "score", span="0 … 100", null="always",
                  bases=())  # fmt: skip
