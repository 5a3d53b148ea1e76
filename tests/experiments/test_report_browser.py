"""The report in a browser, from the disk: formulas have a size, sorting and filtering work by mouse and by keyboard."""

import json
import re
import shutil

import pytest
from report_ledger import ATLAS, HOSTILE, LEDGER, PAPERS, STUDIES, write_figure

from experiments.report.site import build

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(BROWSER is None or DRIVER is None, reason="needs chromium and chromedriver"),
]

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = ("index.html", "atlas.html", "papers/exact-planning.html", "papers/lower-confidence.html")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_figure(folder / "figures")
    return build(
        LEDGER,
        out=folder / "site",
        scale="quick",
        figures=folder / "figures",
        papers=PAPERS,
        studies=STUDIES,
        atlas=ATLAS,
    ).parent


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium, report):
    """A browser on the front page: desktop, light, no filters."""

    def show(page="index.html", width=1280, scheme="light"):
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        chromium.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {
                "features": [
                    {"name": "prefers-color-scheme", "value": scheme},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]
            },
        )
        chromium.get("about:blank")
        chromium.get_log("performance")
        chromium.get((report / page).as_uri())

    chromium.show = show
    chromium.get_log("browser")
    show()
    return chromium


def visible(browser):
    """Claims in the rows shown, top to bottom."""
    return [
        row.find_element(By.CSS_SELECTOR, "th a").text
        for row in browser.find_elements(By.CSS_SELECTOR, "table.ledger tbody tr")
        if row.is_displayed()
    ]


def names(keep=lambda entry: True):
    return [entry.claim.id.partition("/")[2] for entry in LEDGER if keep(entry)]


def head(browser, label):
    return next(h for h in browser.find_elements(By.CSS_SELECTOR, "table.ledger thead th") if h.text.startswith(label))


def requests(browser):
    """Addresses that the browser asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_load_without_errors_or_overflow(browser, page, width):
    browser.show(page, width)
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    requested = requests(browser)
    assert any(address.endswith("report.css") for address in requested)
    assert all(address.startswith(("file:", "about:")) for address in requested), requested


def test_control_an_error_and_an_overflow_are_seen(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<meta name=viewport content='width=device-width'><p style='width:2000px'>x<script>nothing()</script>"
        "<img src='http://localhost:9/x.png'>"
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 390, "height": 900, "deviceScaleFactor": 1, "mobile": True}
    )
    requests(browser)
    browser.get(page.as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") > 390
    assert any(address.startswith("http:") for address in requests(browser))
    assert browser.get_log("browser")


@pytest.mark.parametrize("page", PAGES)
def test_formulas_have_a_size(browser, page):
    browser.show(page)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('math')].map(m => [m.getBoundingClientRect().width,"
        " m.getBoundingClientRect().height, m.namespaceURI])"
    )
    assert boxes
    for width, height, namespace in boxes:
        assert width > 3
        assert height > 3
        assert namespace == "http://www.w3.org/1998/Math/MathML"


def test_fractions_are_stacked(browser):
    """A browser without MathML would set the numerator beside the denominator."""
    browser.show("papers/exact-planning.html")
    above = browser.execute_script(
        "return [...document.querySelectorAll('mfrac')].map(f =>"
        " f.children[0].getBoundingClientRect().bottom <= f.children[1].getBoundingClientRect().top + 1)"
    )
    assert above
    assert all(above)


def test_sorting_by_click(browser):
    assert visible(browser) == names()
    head(browser, "Claim").find_element(By.TAG_NAME, "button").click()
    assert visible(browser) == sorted(
        names(), key=lambda n: next(e.claim.id for e in LEDGER if e.claim.id.endswith("/" + n))
    )
    assert head(browser, "Claim").get_attribute("aria-sort") == "ascending"
    head(browser, "Claim").find_element(By.TAG_NAME, "button").click()
    assert head(browser, "Claim").get_attribute("aria-sort") == "descending"
    assert visible(browser)[0] == "rate-half"


def test_sorting_by_keyboard_is_by_number_and_keeps_missing_values_last(browser):
    button = head(browser, "p").find_element(By.TAG_NAME, "button")
    browser.execute_script("arguments[0].focus()", button)
    button.send_keys(Keys.ENTER)
    with_p = names(lambda e: e.verdict.p_value is not None)
    ascending = sorted(with_p, key=lambda n: next(e.verdict.p_value for e in LEDGER if e.claim.id.endswith("/" + n)))
    rest = names(lambda e: e.verdict.p_value is None)
    assert visible(browser) == ascending + rest
    button.send_keys(Keys.SPACE)
    assert head(browser, "p").get_attribute("aria-sort") == "descending"
    assert visible(browser) == ascending[::-1] + rest
    others = browser.find_elements(By.CSS_SELECTOR, "table.ledger thead th:not([aria-sort='none'])")
    assert len(others) == 1


def test_n_is_sorted_as_a_number(browser):
    head(browser, "n").find_element(By.TAG_NAME, "button").click()
    sizes = {entry.claim.id.partition("/")[2]: entry.verdict.n for entry in LEDGER}
    order = [sizes[name] for name in visible(browser)]
    assert order == sorted(sizes.values())
    assert order != sorted(sizes.values(), key=str)


def test_filters_by_paper_kind_status_flag_and_text(browser):
    shown = browser.find_element(By.ID, "shown")
    assert shown.get_attribute("aria-live") == "polite"
    Select(browser.find_element(By.ID, "filter-paper")).select_by_value("lower-confidence")
    assert visible(browser) == names(lambda e: e.claim.slug == "lower-confidence")
    assert shown.text == f"3 of {len(LEDGER)} claims"
    Select(browser.find_element(By.ID, "filter-kind")).select_by_visible_text("rate")
    assert visible(browser) == ["rate-half"]
    browser.find_element(By.ID, "reset").click()
    assert visible(browser) == names()
    Select(browser.find_element(By.ID, "filter-status")).select_by_visible_text("supported")
    assert visible(browser) == names(lambda e: e.status == "supported")
    browser.find_element(By.ID, "reset").click()
    Select(browser.find_element(By.ID, "filter-flag")).select_by_visible_text("vacuous")
    assert visible(browser) == ["l1-deviation"]
    browser.find_element(By.ID, "reset").click()
    browser.find_element(By.ID, "filter-text").send_keys("LATTIMORE thm")
    assert visible(browser) == ["bandit-lower"]
    browser.find_element(By.ID, "filter-text").send_keys(" nowhere")
    assert visible(browser) == []
    browser.find_element(By.ID, "clear").click()
    assert visible(browser) == names()


def test_filtering_by_keyboard_alone(browser):
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("class") == "skip"
    for _ in range(60):
        if browser.switch_to.active_element.get_attribute("id") == "filter-text":
            break
        browser.switch_to.active_element.send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.get_attribute("id") == "filter-text"
    assert browser.execute_script("return getComputedStyle(arguments[0]).outlineStyle", focused) == "solid"
    focused.send_keys("haddad")
    assert visible(browser) == ["reachability-stop"]
    focused.send_keys(Keys.TAB)
    assert browser.switch_to.active_element.get_attribute("id") == "filter-paper"


def test_a_view_survives_a_reload_and_tally_links_filter(browser):
    browser.find_element(By.CSS_SELECTOR, "[data-filter-status=inconclusive]").click()
    expected = names(lambda e: e.status == "inconclusive")
    assert visible(browser) == expected
    assert "status=inconclusive" in browser.current_url
    browser.refresh()
    assert visible(browser) == expected


def test_phone_has_cards_and_its_own_sort_control(browser):
    browser.show(width=390)
    cells = browser.find_elements(By.CSS_SELECTOR, "table.ledger tbody tr:first-child > *")
    assert {cell.get_attribute("data-label") for cell in cells} >= {"Claim", "Status", "Control", "Tightness"}
    assert len({cell.location["y"] for cell in cells}) >= 4
    Select(browser.find_element(By.ID, "sort-by")).select_by_visible_text("n")
    assert visible(browser)[0] == "bandit-lower"
    browser.show(width=1280)
    assert not browser.find_element(By.ID, "sort-by").is_displayed()


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_background_follows_the_scheme(browser, scheme, dark):
    for page in PAGES:
        browser.show(page, scheme=scheme)
        background, ink = (
            [
                int(c)
                for c in re.findall(r"\d+", browser.execute_script(f"return getComputedStyle(document.body).{prop}"))[
                    :3
                ]
            ]
            for prop in ("backgroundColor", "color")
        )
        assert (sum(background) < 3 * 60) == dark
        assert (sum(ink) > 3 * 180) == dark
    browser.show(PAGES[-1], scheme=scheme)
    assert browser.execute_script("return getComputedStyle(document.querySelector('.plate')).backgroundColor") == (
        "rgb(255, 255, 255)"
    )


@pytest.mark.parametrize("page", PAGES)
def test_hostile_text_is_shown_and_not_run(browser, page):
    browser.show(page)
    assert browser.title != "owned"
    assert browser.execute_script("return document.querySelectorAll('img[src=x]').length") == 0
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert HOSTILE in browser.find_element(By.TAG_NAME, "body").text.replace("\n", " ")


def test_figures_are_shown_with_words(browser):
    browser.show("papers/lower-confidence.html")
    image = browser.find_element(By.CSS_SELECTOR, "figure img")
    assert "Risk against samples" in image.get_attribute("alt")
    assert browser.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 0", image)


def test_atlas_is_a_table_on_a_desk_and_cards_on_a_phone(browser):
    browser.show("atlas.html")
    table = browser.find_element(By.CSS_SELECTOR, "table.atlas")
    assert table.find_element(By.TAG_NAME, "thead").size["height"] > 10
    first = table.find_elements(By.CSS_SELECTOR, "tbody tr:first-child > *")
    assert len({cell.location["y"] for cell in first}) == 1
    browser.show("atlas.html", width=390)
    table = browser.find_element(By.CSS_SELECTOR, "table.atlas")
    cells = table.find_elements(By.CSS_SELECTOR, "tbody tr:first-child > *")
    shown = [cell for cell in cells if cell.is_displayed()]
    assert len({cell.location["y"] for cell in shown}) == len(shown)
    assert [cell.get_attribute("data-label") for cell in shown[1:]] == ["random-4", "5 arms", "Time"]


def test_without_script_the_ledger_is_whole(browser, report):
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.show()
        assert visible(browser) == names()
        assert not browser.find_element(By.CSS_SELECTOR, "form.filters").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
