"""A real browser."""

import base64
import json
import shutil

import pytest


class Browser:
    """A headless Chromium that tells what a page does."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, address, width):
        """Show a page in a window of this width; returns what it asked for, and what it complained of."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.get(address)
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
