"""The generated reference has every code with what is known of it, and is sound reStructuredText."""

import re

from docutils.core import publish_doctree

from itl.checks.catalogue import catalogue
from itl.checks.override import parse
from itl.checks.reference_page import TITLE, page

PAGE = page()


def section(code):
    return PAGE.split(f".. _check-{code}:\n")[1].split(".. _check-")[0]


def test_every_code_has_its_section_in_order_of_precedence():
    assert PAGE.startswith(f"{TITLE}\n={'=' * (len(TITLE) - 1)}\n")
    assert [int(code) for code in re.findall(r"^\.\. _check-(\d+):$", PAGE, re.MULTILINE)] == list(catalogue())
    for code, row in catalogue().items():
        assert section(code).startswith(f"\n{code} {row.title}\n~~~~~")
        assert f":Evidence: {row.evidence}\n" in section(code)


def test_a_section_says_what_the_code_is_and_when_it_passes_and_fails():
    text = section(5107)
    assert ":Transaction types: 3 external transfer\n:Periods: 2\n" in text
    assert ":Judged: after the acknowledgement: told by a notification with status 3\n" in text
    assert "\n* passes: 49 AAU for each that went to the share of proceeds\n" in text
    assert "\n* fails for GB 1-100: One more\n" in text
    assert "\n* not in effect: In the first period no share was due\n" in text
    assert ":Not judged here:" not in text


def test_a_code_that_is_not_judged_here_says_why():
    assert ":Not judged here: rests on signed messages" in section(1004)
    assert ":Judged: in a reconciliation\n" in section(6301)
    assert ":Not judged here: judged elsewhere: acquirer\n" in section(5902)
    assert ":Not judged here:" not in section(1101)


def test_the_last_stage_is_one_group_for_each_type():
    headings = re.findall(r"^(Stage .*)\n-+\n", PAGE, re.MULTILINE)
    assert [heading for heading in headings if heading.startswith("Stage 7")] == [
        f"Stage 7 transaction specific: type {name}"
        for name in (
            "1 issuance", "2 conversion", "3 external transfer", "4 cancellation", "6 replacement", "5 retirement",
            "7 carry-over", "8 expiry date change", "10 internal transfer and other supplementary",
        )
    ]  # fmt: skip
    assert len(headings) == len(set(headings))


def test_numbers_are_those_that_are_told():
    text = page(parse("[renumber]\n5108 = 5199\n[off]\ncodes = [5107]"))
    assert "\n5199 Surplus reserve rule\n" in text
    assert "\n:In the catalogue: 5108\n" in text
    assert "\n:Not judged here: switched off by the local override file\n" in text


def test_it_is_sound():
    tree = publish_doctree(PAGE, settings_overrides={"report_level": 2, "halt_level": 2})
    sections = [node for node in tree.findall() if node.tagname == "section"]
    groups = {re.split(r"\n-+\n", part)[0].splitlines()[-1] for part in re.findall(r"[^\n]+\n-+\n", PAGE)}
    assert len(sections) == len(catalogue()) + len(groups)
