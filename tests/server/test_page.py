"""The page, in a real browser."""

import csv
import time
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from server_for_tests import serving

from servier.data.simulation import simulate
from servier.server.page import EXAMPLES

TAB, ENTER = "\ue004", "\ue007"  # as WebDriver writes these keys
HOSTILE = "<script>window.hit = 1</script>"
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
WIDTHS = [400, 1400]


def wait_for(browser, expression):
    """Wait until a JavaScript expression is true."""
    for _ in range(100):
        if browser.ask(expression):
            return
        time.sleep(0.1)
    pytest.fail(f"never true: {expression}")


def fits(browser, width):
    return browser.ask("document.documentElement.scrollWidth") <= width


def loaded(name):
    """An expression: a picture has been loaded, and is shown."""
    return (
        f"(() => {{ const i = document.getElementById('{name}'); return !i.hidden && i.naturalWidth > 0 }})()"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_typing_drawing_answer_and_permanent_link(browser, server, width):
    """A molecule is drawn while it is typed, Enter gets its answer, whose link gets it again."""
    _, complaints = browser.open(server.address + "/", width)
    field = browser.driver.switch_to.active_element
    assert field.get_attribute("name") == "smile"
    field.send_keys(ASPIRIN)
    wait_for(browser, loaded("structure"))
    field.send_keys(ENTER)
    wait_for(browser, "document.getElementById('answer') !== null")
    wait_for(browser, loaded("explanation"))
    heading = browser.ask("document.querySelector('#answer h2').textContent")
    assert heading.startswith("P1 is predicted to be")
    link = browser.ask("document.getElementById('link').href")
    assert parse_qs(urlsplit(link).query) == {"smile": [ASPIRIN], "model_name": ["1"]}
    assert fits(browser, width)
    asked, more = browser.open(link, width)
    assert browser.ask("document.querySelector('#answer h2').textContent") == heading
    assert browser.ask("document.getElementById('smile').value") == ASPIRIN
    assert browser.ask("document.querySelectorAll('.neighbours li').length") == 3
    assert all(address.startswith((server.address, "data:image/svg+xml")) for address in asked)
    assert complaints + more == []


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_no_molecule_is_said_in_place(browser, server, width):
    """`C1CC` is refused beside its field, while it is typed and when it was asked for."""
    browser.open(server.address + "/", width)
    browser.driver.switch_to.active_element.send_keys("C1CC")
    wait_for(browser, "document.getElementById('problem').textContent === 'unclosed ring'")
    assert browser.ask("document.getElementById('structure').hidden")
    browser.driver.switch_to.active_element.send_keys(ENTER)
    wait_for(browser, "location.search.includes('C1CC') && document.readyState === 'complete'")
    assert browser.ask("document.getElementById('problem').textContent") == "unclosed ring"
    assert browser.ask("document.getElementById('smile').getAttribute('aria-invalid')") == "true"
    assert browser.ask("document.getElementById('answer')") is None
    assert fits(browser, width)
    assert browser.driver.get_log("browser") == []


@pytest.mark.parametrize("model_name", ["1", "2", "consensus"])
def test_the_chosen_model_answers(browser, server, model_name):
    """The page says what `POST /predict` says, with the model's name chosen in the form."""
    address = f"{server.address}/?smile={quote(ASPIRIN)}&model_name={model_name}"
    _, complaints = browser.open(address, 1400)
    answer = server.predict(ASPIRIN, model_name)[1]
    meter = "document.querySelector('[role=meter]').getAttribute('aria-valuenow')"
    assert float(browser.ask(meter)) == answer["P1_probability"]
    assert browser.ask("document.getElementById('model_name').value") == model_name
    wait_for(browser, loaded("explanation"))
    text = browser.ask("document.body.textContent")
    assert all(digest in text for digest in answer["checkpoints"].values())
    assert f"{answer['nearest_similarity']:.2f}" in browser.ask(
        "document.getElementById('domain').textContent"
    )
    assert complaints == []


def test_examples_are_molecules(browser, server):
    """Every example is a link to an answer."""
    browser.open(server.address + "/", 1400)
    links = browser.ask("[...document.querySelectorAll('.examples a')].map(a => a.href)")
    assert [parse_qs(urlsplit(link).query)["smile"][0] for link in links] == list(EXAMPLES.values())
    assert all(b'id="answer"' in server.ask(link.removeprefix(server.address))[2] for link in links)


def test_keyboard_reaches_everything(browser, server):
    """Tab goes from the field to the model, the button, and all examples."""
    browser.open(server.address + "/", 1400)
    reached = [browser.driver.switch_to.active_element]
    for _ in range(2 + len(EXAMPLES)):
        reached[-1].send_keys(TAB)
        reached.append(browser.driver.switch_to.active_element)
    names = [element.tag_name for element in reached]
    assert names == ["input", "select", "button", *["a"] * len(EXAMPLES)]


def test_every_field_and_picture_has_a_name(browser, server):
    """A screen reader finds a label for each field, and a text for each picture that is shown."""
    browser.open(f"{server.address}/?smile={quote(ASPIRIN)}", 1400)
    assert browser.ask("[...document.querySelectorAll('input, select')].every(f => f.labels.length)")
    assert browser.ask("[...document.querySelectorAll('img:not([hidden])')].every(i => i.alt)")
    assert browser.ask("document.documentElement.lang") == "en-GB"
    assert browser.ask("document.querySelectorAll('main, h1').length") == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(browser, server, scheme):
    """Text and what it stands on differ by at least 7 to 1 in luminance (WCAG 2.2), in either scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.open(server.address + "/", 1400)
    ink, paper = (
        browser.ask(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor")
    )
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    lighter, darker = sorted(map(luminance, (ink, paper)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) > 7
    assert (luminance(paper) > 0.5) == (scheme == "light")


def luminance(colour):
    parts = [int(part) / 255 for part in colour[4:-1].split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_card_is_a_page_without_scripts(browser, server):
    """The model card opens without a complaint."""
    asked, complaints = browser.open(server.address + "/models/1/card", 1400)
    assert complaints == []
    assert asked[0].endswith("/card")
    assert browser.ask("document.scripts.length") == 0
    assert "Model card" in browser.ask("document.body.textContent")


@pytest.fixture(scope="module")
def two_targets(command, recipes, tmp_path_factory):
    """A server of a model with two targets, one of them a value, whose names are markup; with percentiles."""
    folder = tmp_path_factory.mktemp("two")
    simulation = simulate(150, seed=8)
    with (folder / "table.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["smiles", HOSTILE, "size"])
        writer.writerows(
            [smiles, int(label), len(smiles) / 3]
            for smiles, label in zip(simulation.smiles, simulation.labels, strict=True)
        )
    (folder / "reference.smi").write_text("\n".join(EXAMPLES.values()))
    command(
        "train", "--dataset", folder / "table.csv", "--target", HOSTILE, "--target", "size", "--config",
        recipes["1"], "--reference", folder / "reference.smi", "--models_dir", folder, "--workers", 1,
    )  # fmt: skip
    with serving(folder) as found:
        yield found


@pytest.mark.parametrize("width", WIDTHS)
def test_every_target_has_its_answer(browser, two_targets, width):
    """Values come with interval and scale, labels with their set, both with percentiles; names stay text."""
    _, complaints = browser.open(f"{two_targets.address}/?smile={quote(ASPIRIN)}", width)
    answer = two_targets.predict(ASPIRIN)[1]
    texts = browser.ask("[...document.querySelectorAll('.target')].map(t => t.textContent)")
    assert len(texts) == 2
    assert f"{HOSTILE} is predicted to be {answer[f'{HOSTILE}_pred']}" in texts[0]
    assert f"size is predicted to be {answer['size_pred']:.4g}" in texts[1]
    low, high = answer["size_low_90"], answer["size_high_90"]
    assert f"between {low:.4g} and {high:.4g}" in texts[1]
    for name, text in zip((HOSTILE, "size"), texts, strict=True):
        assert f"higher than for {answer[f'{name}_percentile']:g} % of the reference" in text
    assert browser.ask("window.hit === undefined")
    assert fits(browser, width)
    assert complaints == []


def test_explanation_of_another_target(browser, two_targets):
    """A link leads to the contributions to the other target."""
    browser.open(f"{two_targets.address}/?smile={quote(ASPIRIN)}", 1400)
    link = browser.ask("[...document.querySelectorAll('section p a')].find(a => a.text === 'size').href")
    _, complaints = browser.open(link, 1400)
    wait_for(browser, loaded("explanation"))
    assert "to size" in browser.ask("document.body.textContent")
    assert "target=size" in browser.ask("document.getElementById('explanation').src")
    assert complaints == []
