import base64
import csv
import json
import shutil

import pytest

from servier.simulation import simulate

HOSTILE = '"><script>window.hit = 1</script>'


@pytest.fixture(scope="session")
def evaluated(servier, simulated, model_1, tmp_path_factory):
    """Model 1 evaluated by the real command on the rows that training held out; the folder."""
    folder = tmp_path_factory.mktemp("evaluated")
    servier(
        "evaluate", "--data_dir", simulated.parent, "--model_path", model_1, "--output_dir", folder,
        "--resamples", 50, "--workers", 1,
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def hostile(servier, recipes, tmp_path_factory):
    """A model of two targets, from a table full of markup, its card and its reports; the folder."""
    folder = tmp_path_factory.mktemp("hostile")
    simulation = simulate(150, seed=8)
    rows = [
        {
            "id": f"<script>window.hit = {i}</script> \udcff".encode("utf-8", "replace").decode(),
            "smiles": f"{smiles} |$<script>window.hit = 2</script>$|",
            HOSTILE: int(label),
            "size": len(smiles) / 3,
            "split": "test" if i % 3 == 0 else "train",
        }
        for i, (smiles, label) in enumerate(zip(simulation.smiles, simulation.labels, strict=True))
    ]
    with (folder / "table.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    table = [
        "--dataset",
        folder / "table.csv",
        "--target",
        HOSTILE,
        "--target",
        "size",
        "--split_column",
        "split",
    ]
    model = ["--model_path", folder / "m.servier"]
    servier("train", *table, *model, "--config", recipes["1"], "--workers", 1)
    servier("evaluate", *table, *model, "--output_dir", folder, "--resamples", 20, "--workers", 1)
    servier("inspect", folder / "m.servier", "--html", folder / "card.html")
    return folder


class Browser:
    """A headless Chromium that tells what a page does."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width):
        """Show a file in a window of this width; returns what it asked for, and what it complained of."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(path.as_uri())
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        asked = [
            event["params"]["request"]["url"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return asked, self.driver.get_log("browser")

    def ask(self, expression):
        """Return the value of a JavaScript expression in the page."""
        return self.driver.execute_script(f"return {expression}")

    def print(self):
        """Return the page as a PDF file."""
        return base64.b64decode(
            self.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        )


@pytest.fixture(scope="session")
def browser():
    """A real browser; the test skips where there is none."""
    found = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if None in found.values():
        pytest.skip("chromium and chromedriver are not installed: tests/install_debian.sh")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = found["chromium"]
    for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(found["chromedriver"]))
    yield Browser(driver)
    driver.quit()
