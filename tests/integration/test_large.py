"""The largest things that are allowed pass through everything: a paper of 15,000 authors, an author of
thousands of papers.
"""

import json

from tests.integration.commands import exported_profiles, run_to_idle, scholarstream, write_events
from tests.integration.equality import assert_equal_to_oracle

CROWD = 15_000
PAPERS = 1_200


def paper(paper_id, names, references=(), **fields):
    return json.dumps(
        {
            "event": "paper.published",
            "paper_id": paper_id,
            "title": f"On {paper_id}",
            "published": "2012-07-31",
            "authors": [{"name": name, "affiliations": [f"Institute {len(name)}"]} for name in names],
            "references": list(references),
            **fields,
        }
    ).encode()


def literature():
    crowd = [f"Member {n:05}" for n in range(CROWD)]
    events = [paper("doi:10.1016/higgs", crowd, categories=["hep-ex"])]
    events += [
        paper(f"w{n}", ["Prolific, P.", f"Student {n}"], [f"w{m}" for m in range(max(0, n - 3), n)])
        for n in range(PAPERS)
    ]
    events += [paper(f"c{n}", ["Citing, C."], ["doi:10.1016/higgs", "w7", f"w{n}"]) for n in range(150)]
    events.append(paper("from-inside", ["Member 00007"], ["doi:10.1016/higgs"]))
    return events


def test_large_papers_and_authors(tmp_path):
    events = literature()
    run_to_idle(tmp_path / "data", write_events(tmp_path / "events.jsonl", events))
    truth = assert_equal_to_oracle(tmp_path / "data", events)
    assert truth["name:member 14999"]["metrics"]["references"]["citations"] == 151
    profile = exported_profiles(tmp_path / "data")["name:prolific, p."]
    assert profile["papers_total"] == PAPERS and len(profile["papers"]) == 100
    scholarstream("verify", data_dir=tmp_path / "data")
    # all of it goes away again
    withdrawn = [
        json.dumps({"event": "paper.withdrawn", "paper_id": "doi:10.1016/higgs", "revision": 1}).encode()
    ]
    run_to_idle(tmp_path / "data", write_events(tmp_path / "withdrawn.jsonl", withdrawn))
    assert_equal_to_oracle(tmp_path / "data", events + withdrawn)
    assert exported_profiles(tmp_path / "data")["name:member 14999"]["papers_total"] == 0
