"""The tables of the viewer's store (SQLite with FTS5).

Everything in it is made from public topics. A store of another VERSION is thrown away and made again.

Papers, authors, fields and words have numbers of the store's own. A number never leaves the store.
"""

VERSION = 2
APPLICATION_ID = 0x53435653  # "SCVS"

# State of a paper: nothing published so far; published, so listed and counted; removed; retracted while the
# setting `retracted` is `exclude`, with a record that counts; of a kind that does not count.
UNKNOWN, PUBLISHED, WITHDRAWN, RETRACTED, LEFT_OUT = 0, 1, 2, 3, 4

# Words of names and texts. Every mark is a part of a word, because vowels of Indian scripts are marks.
_WORDS = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'"
# Names are folded before (name_folding), so anything but a space is a part of a word.
_NAMES = "unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"

TABLES = f"""
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- How far each partition is read; read_ms: append time of the last record, in milliseconds since the epoch.
CREATE TABLE positions (
    topic TEXT NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL, read_ms INTEGER NOT NULL,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;

-- A row that is only cited has a key and state 0. changed_ms: append time of the newest revision. digest: of
-- its event. arrived: rises with each paper that is published for the first time. retraction: the revision of
-- the newest statement about one, apart from `revision`; retracted: what it says. field: the first of
-- `categories`. categories: JSON array. authors: entries of the byline.
CREATE TABLE papers (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, state INTEGER NOT NULL DEFAULT 0,
    revision INTEGER NOT NULL DEFAULT -1, digest INTEGER, changed_ms INTEGER NOT NULL DEFAULT 0,
    arrived INTEGER, title TEXT NOT NULL DEFAULT '', published TEXT, year INTEGER, field INTEGER,
    categories TEXT, venue TEXT, kind TEXT, language TEXT, doi TEXT, doi_key TEXT, url TEXT,
    authors INTEGER NOT NULL DEFAULT 0, truncated INTEGER NOT NULL DEFAULT 0,
    revisions INTEGER NOT NULL DEFAULT 0, reason TEXT, retracted INTEGER NOT NULL DEFAULT 0,
    retraction INTEGER NOT NULL DEFAULT -1, retraction_reason TEXT
);
CREATE INDEX papers_by_arrival ON papers (arrived) WHERE arrived IS NOT NULL;
CREATE INDEX papers_by_doi ON papers (doi_key) WHERE doi_key IS NOT NULL;

CREATE TABLE abstracts (paper INTEGER PRIMARY KEY, abstract TEXT NOT NULL);

-- What changes often, in short rows. cited_by: rows of `citations` with a published paper that cites.
-- novelty: as the newest snapshot that lists the paper has it.
CREATE TABLE standings (
    paper INTEGER PRIMARY KEY, field INTEGER, year INTEGER, cited_by INTEGER NOT NULL DEFAULT 0, novelty REAL
);
CREATE INDEX standings_by_field ON standings (field, cited_by, paper) WHERE field IS NOT NULL;

-- position: from 0. author: as the byline has it; `authors.canonical` leads on.
CREATE TABLE authorships (
    paper INTEGER NOT NULL, position INTEGER NOT NULL, author INTEGER NOT NULL, name TEXT NOT NULL,
    affiliations TEXT, PRIMARY KEY (paper, position)
) WITHOUT ROWID;
CREATE INDEX authorships_by_author ON authorships (author, paper);

-- The references of published and retracted papers, by their records and by sources together.
CREATE TABLE citations (
    citing INTEGER NOT NULL, cited INTEGER NOT NULL, PRIMARY KEY (citing, cited)
) WITHOUT ROWID;
CREATE INDEX citations_by_cited ON citations (cited, citing);

-- Lists of references of sources, from 1, and of the record of each paper that has such lists: source 0.
-- cited: JSON array of papers.
CREATE TABLE told_references (
    paper INTEGER NOT NULL, source INTEGER NOT NULL, revision INTEGER NOT NULL, cited TEXT NOT NULL,
    PRIMARY KEY (paper, source)
) WITHOUT ROWID;
CREATE TABLE citing_sources (
    partition INTEGER NOT NULL, source TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (partition, source)
) WITHOUT ROWID;

-- An author of bylines alone has no version. canonical: the author that this one is merged into; NULL: not
-- merged. Numbers are those of the headline of the newest snapshot. field: a whole category, found among the
-- author's papers.
CREATE TABLE authors (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT, folded TEXT,
    generation INTEGER NOT NULL DEFAULT -1, version INTEGER NOT NULL DEFAULT -1,
    changed_ms INTEGER NOT NULL DEFAULT 0, canonical INTEGER, field_end TEXT, field INTEGER, papers INTEGER,
    citations INTEGER, h_index INTEGER, novelty REAL, ai_score REAL, first_year INTEGER, last_year INTEGER,
    orcid TEXT, homepage TEXT, aliases TEXT, affiliations TEXT, words TEXT
);
CREATE INDEX authors_by_canonical ON authors (canonical) WHERE canonical IS NOT NULL;
CREATE INDEX authors_by_orcid ON authors (orcid) WHERE orcid IS NOT NULL;
CREATE INDEX authors_by_field ON authors (field, h_index, id) WHERE field IS NOT NULL;

-- code: a category as papers have it, for example cs.LG. papers: published ones whose first category it is.
CREATE TABLE fields (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, papers INTEGER NOT NULL DEFAULT 0);
CREATE TABLE field_years (
    field INTEGER NOT NULL, year INTEGER NOT NULL, papers INTEGER NOT NULL, PRIMARY KEY (field, year)
) WITHOUT ROWID;

-- The newest change records. numbers: JSON, name -> [before, after]. causes: JSON as in the record.
CREATE TABLE changes (
    id INTEGER PRIMARY KEY, author INTEGER NOT NULL, changed_ms INTEGER NOT NULL, generation INTEGER NOT NULL,
    version INTEGER NOT NULL, as_of TEXT, numbers TEXT NOT NULL, causes TEXT NOT NULL,
    causes_total INTEGER NOT NULL
);
CREATE INDEX changes_by_author ON changes (author, id);

-- Texts. The tables hold words only; what an index row was made from is in the tables above.
CREATE VIRTUAL TABLE paper_words USING fts5 (title, people, abstract, content='', tokenize="{_WORDS}");
CREATE VIRTUAL TABLE author_words USING fts5 (names, content='', prefix='1 2 3', tokenize="{_NAMES}");

-- Words of titles and names, and what is left of each when one letter is missing (hash: CRC-32): two words
-- that differ in one letter share such a rest.
CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT NOT NULL UNIQUE);
CREATE TABLE word_rests (hash INTEGER NOT NULL, word INTEGER NOT NULL, PRIMARY KEY (hash, word)) WITHOUT
    ROWID;
"""
