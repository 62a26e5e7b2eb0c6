"""The pages in a real browser."""

from itertools import pairwise

import pytest

PAGES = ["report", "overview", "hostile", "regression", "card", "comparison"]


@pytest.fixture(scope="module")
def pages(command, once, evaluated, hostile, simulated, model_1, model_2):
    def fill(folder):
        command(
            "compare", model_1, model_2, "--data_dir", simulated.parent, "--resamples", 20, "--workers", 1,
            "--html", folder / "comparison.html",
        )  # fmt: skip

    comparison = once("comparison", fill) / "comparison.html"
    (first,) = hostile.glob("report__*.html")
    return {
        "report": evaluated / "report.html",
        "overview": hostile / "report.html",
        "hostile": first,
        "regression": hostile / "report_size.html",
        "card": hostile / "card.html",
        "comparison": comparison,
    }


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", PAGES)
def test_page_fits_and_stays_in_its_file(browser, pages, name, width):
    """On a phone and on a desktop nothing is wider than the window, complains, or is fetched."""
    asked, complaints = browser.open(pages[name].as_uri(), width)
    assert asked == [pages[name].as_uri()]
    assert complaints == []
    assert browser.ask("innerWidth") == width
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("window.hit === undefined && document.scripts.length === 0")


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible(browser, pages, name):
    """It names its language, headings leave out no level, and every picture has a description."""
    browser.open(pages[name].as_uri(), 1400)
    assert browser.ask("document.documentElement.lang") == "en-GB"
    levels = browser.ask("[...document.querySelectorAll('h1, h2, h3, h4')].map(h => +h.tagName[1])")
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    pictures = browser.ask(
        "[...document.querySelectorAll('svg')].map(s => s.closest('[role=img]')?.getAttribute('aria-label'))"
    )
    assert all(pictures)


def test_plots_fill_their_cells(browser, pages):
    """Each plot is as wide as its card allows, at both widths."""
    for width in (400, 1400):
        browser.open(pages["report"].as_uri(), width)
        widths = browser.ask(
            "[...document.querySelectorAll('section .grid > figure')].map(f => [f.clientWidth, "
            "f.querySelector('svg').getBoundingClientRect().width])"
        )
        assert len(widths) == 6
        assert all(cell - 40 <= drawn <= cell for cell, drawn in widths)


def test_tables_of_a_report_need_no_scrolling(browser, pages):
    """At 400 pixels every table of a report with a short name fits into its box."""
    browser.open(pages["report"].as_uri(), 400)
    boxes = browser.ask("[...document.querySelectorAll('.scroll')].map(b => b.scrollWidth - b.clientWidth)")
    assert boxes
    assert max(boxes) <= 0


def test_hostile_names_are_shown_as_they_are(browser, pages):
    """Markup in a column name or an identifier is text."""
    browser.open(pages["hostile"].as_uri(), 1400)
    assert '"><script>window.hit = 1</script>' in browser.ask("document.querySelector('h1').textContent")
    assert "<script>window.hit = " in browser.ask("document.querySelector('.molecules').textContent")


def test_report_prints(browser, pages):
    """The print style sheet makes a PDF of a few A4 pages."""
    browser.open(pages["report"].as_uri(), 1400)
    printed = browser.print()
    assert printed.startswith(b"%PDF")
    assert 3 <= printed.count(b"/Type /Page\n") <= 12
