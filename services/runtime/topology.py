"""Which stages each role runs, and their order."""

from services.consumer.aliases.stage import Aliases
from services.consumer.authors.stage import Authors
from services.consumer.catalogue.stage import Catalogue
from services.consumer.citations.stage import Citations
from services.consumer.cohorts.stage import Cohorts
from services.consumer.directory.stage import Directory
from services.publisher.stage import Profiles
from services.scorer.terms import Terms
from shared.stages.stage import Stage

CONSUMER: tuple[type[Stage], ...] = (Catalogue, Directory, Aliases, Citations, Cohorts, Authors)
SCORER: tuple[type[Stage], ...] = (Terms,)  # optional
PUBLISHER: tuple[type[Stage], ...] = (Profiles,)
STAGES_OF = {"consumer": CONSUMER, "scorer": SCORER, "publisher": PUBLISHER}
# In the order of their topics.
STAGES: tuple[type[Stage], ...] = (
    Catalogue,
    Directory,
    Aliases,
    Terms,
    Citations,
    Cohorts,
    Authors,
    Profiles,
)
