"""Pages that follow from the code are what the code says now, and links in the docs lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_generated_pages_are_up_to_date():
    command = [sys.executable, ROOT / "scripts" / "docs", "--check"]
    check = subprocess.run(command, capture_output=True, text=True, check=False)

    assert check.stderr == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_each_relative_link_of_a_page_leads_to_a_file_or_heading(page):
    broken = [link for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()) if not _leads_somewhere(page, link)]

    assert broken == []


def _leads_somewhere(page: Path, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    path, _, heading = link.partition("#")
    target = (page.parent / path) if path else page
    return target.exists() and (not heading or heading in _headings(target))


def _headings(page: Path) -> set[str]:
    """The anchors that a Markdown page offers: its headings in lower case, words joined by dashes."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_each_page_of_the_docs_is_linked_from_the_readme_or_from_another_page():
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    }

    assert [str(page) for page in ROOT.glob("docs/*.md") if page not in linked] == []
