"""What reports say."""

import json
import re
from collections import Counter
from html.parser import HTMLParser

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from servier.checkpoint.file import open_checkpoint
from servier.checkpoint.target import Target
from servier.data.datasets import load_dataset
from servier.evaluation.bootstrap import Resampling
from servier.evaluation.evaluate import evaluate
from servier.report.html.document import name_reports
from servier.report.html.mistakes import find_mistakes
from servier.report.html.pages import number


class Reading(HTMLParser):
    """Collects tags, identifiers, references, and all text."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.ids, self.references, self.text = Counter(), [], [], ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href", "src"):
                self.references.append(value)
            self.references += re.findall(r"url\(([^)]*)\)", value or "")

    def handle_data(self, data):
        self.text += f"{data} "


def metric_rows(path):
    """For each metric the numbers in its row."""
    rows = re.findall(r'<tr data-metric="([^"]+)">(.*?)</tr>', path.read_text(), re.DOTALL)
    return {
        name: re.findall(r"-?\d[\d.,e-]*|(?<=>)-(?=<)", re.sub(r"<th.*?</th>", "", row, flags=re.DOTALL))
        for name, row in rows
    }


def test_numbers_are_those_of_the_file(evaluated):
    """Every metric, interval and simple method of metrics.json stands in the report, and the headline."""
    document = json.loads((evaluated / "metrics.json").read_text())
    rows = metric_rows(evaluated / "report.html")
    assert list(rows) == list(document["metrics"]["P1"])
    for name, found in document["metrics"]["P1"].items():
        baselines = [measured.get(name) for measured in document["baselines"]["P1"].values()]
        expected = [found["value"], found["low"], found["high"], *baselines]
        assert rows[name] == [number(value) for value in expected]
    page = (evaluated / "report.html").read_text()
    headline = document["metrics"]["P1"]["auroc"]["value"]
    assert f'id="headline-value">{headline:.3f}<' in page
    text = re.sub(r"\s+", " ", Reading(evaluated / "report.html").text)
    for part in document["importance"]["P1"]["fragments"][:12]:
        assert f"{part['name']} {part['molecules']} {part['contribution']:+.3f}" in text
    for level, found in document["coverage"]["P1"].items():
        assert f"{100 * float(level):.1f} % {100 * found['coverage']:.1f} %" in text
    for found in document["by_similarity"]["P1"]:
        assert f"{found['low']:.1f} to {found['high']:.1f} {found['rows']}" in text


def test_confusion_table_is_that_of_scikit_learn(evaluated, simulated, model_1):
    """The four counts are those at the threshold of the checkpoint, over the rows that were scored."""
    checkpoint, data = open_checkpoint(model_1), load_dataset(simulated)
    found = evaluate(checkpoint, data, Resampling(n=20))
    predicted = found.values[:, 0] >= checkpoint.targets[0].threshold
    expected = confusion_matrix(data.y[found.rows, 0] == 1, predicted).ravel().tolist()
    page = (evaluated / "report.html").read_text()
    counts = re.findall(r'<td class="(?:right|wrong)">([\d,]+)<', page)
    assert [int(count) for count in counts] == expected


def test_report_says_what_is_needed_to_repeat_it(evaluated, simulated, model_1):
    """The command, both digests, the seed and the versions are in the report."""
    text = Reading(evaluated / "report.html").text
    checkpoint = open_checkpoint(model_1)
    for words in (
        "servier evaluate", f"--model_path {model_1}", load_dataset(simulated).digest, checkpoint.digest,
        "50 resamples, seed 0", f"rdkit {checkpoint.metadata.versions['rdkit']}",
    ):  # fmt: skip
        assert words in text


def test_identifiers_are_unique_and_references_stay_inside(evaluated, hostile):
    """In every page no identifier occurs twice, and whatever is referred to is in the page or beside it."""
    for path in (*evaluated.glob("*.html"), *hostile.glob("*.html")):
        page = Reading(path)
        assert len(page.ids) == len(set(page.ids))
        for reference in page.references:
            inside = reference.startswith("#") and reference[1:] in page.ids
            assert inside or (path.parent / reference).is_file(), reference


def test_hostile_names_make_no_markup(hostile):
    """Markup in a column name, an identifier or a SMILES string is shown and never becomes an element."""
    for path in hostile.glob("*.html"):
        page = Reading(path)
        assert page.tags["script"] == 0
        assert "<script>window.hit = 1</script>" in page.text or path.name == "report_size.html"
    (first,) = hostile.glob("report__*.html")
    assert re.search(r"<script>window\.hit = \d+</script>", Reading(hostile / "report_size.html").text)
    assert Reading(first).tags["svg"] > 6


def test_several_targets_have_an_overview(hostile):
    """report.html leads to a report of each target, with their figures."""
    document = json.loads((hostile / "metrics.json").read_text())
    overview = Reading(hostile / "report.html")
    assert "report_size.html" in overview.references
    assert len(list(hostile.glob("report_*.html"))) == 2
    assert number(document["metrics"]["size"]["mae"]["value"]) in overview.text
    assert list(metric_rows(hostile / "report_size.html")) == list(document["metrics"]["size"])


def test_report_file_names_differ():
    """Each target of several has a file of its own, whatever it is called."""
    assert name_reports(["P1"]) == ["report.html"]
    assert name_reports(["P1", "logS"]) == ["report_P1.html", "report_logS.html"]
    names = name_reports(["a/b", "a b", "A_B", "..", "é"])
    assert len({name.lower() for name in names}) == 5
    assert all(re.fullmatch(r"report_[\w-]+\.html", name) for name in names)


def test_equal_runs_write_equal_reports(command, evaluated, simulated, model_1):
    """The same command writes the same bytes."""
    before = (evaluated / "report.html").read_bytes()
    command(
        "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--output_dir", evaluated,
        "--resamples", 50, "--workers", 1,
    )  # fmt: skip
    assert (evaluated / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("labels", "has_metrics"), [(("1", "1", "1"), False), (("0", "1", "1"), True), (("1", "", ""), False)]
)
def test_few_rows_and_a_single_class_make_a_report(
    command, simulated, model_1, tmp_path, labels, has_metrics
):
    """Three scored rows are enough, and one; what they do not define is called undefined."""
    lines = simulated.read_text().splitlines()
    trained = [lines[i - 1].split(",") for i in open_checkpoint(model_1).reference.train_lines]
    rows = [f"{label},{smiles}" for label, _, smiles in trained]
    new = [f"{label},{smiles}" for label, smiles in zip(labels, ("CCO", "CCN", "CCCF"), strict=True)]
    (tmp_path / "t.csv").write_text("\n".join(["P1,smiles", *rows, *new]) + "\n")
    command(
        "evaluate", "--dataset", tmp_path / "t.csv", "--model_path", model_1, "--output_dir", tmp_path,
        "--resamples", 20, "--workers", 1,
    )  # fmt: skip
    text = Reading(tmp_path / "report.html").text
    assert ("Undefined: these rows have fewer than two different labels." in text) != has_metrics
    assert bool(metric_rows(tmp_path / "report.html")) == has_metrics


def test_mistakes_are_the_most_confident_ones():
    """Wrong labels come by the probability of the right one, values by their distance."""
    y, p = np.array([1.0, 0, 1, 0, 1]), np.array([0.9, 0.8, 0.1, 0.2, 0.65])
    assert find_mistakes(y, p, Target("P1", "binary", threshold=0.7)) == [2, 1, 4]
    assert find_mistakes(y, p, Target("x", "regression")) == [2, 1, 4, 3, 0]
    assert find_mistakes(y, y, Target("x", "regression")) == []
    assert len(find_mistakes(np.zeros(30), np.ones(30), Target("P1", "binary", threshold=0.7))) == 12
