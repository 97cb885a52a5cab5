"""The page in a real browser."""

import shutil

import pytest
from playwright.sync_api import sync_playwright
from serving_support import INPUTS, running

pytestmark = pytest.mark.slow
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("there is no Chromium on this machine; the page is not tried")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser, served):
    """A fresh page; at the end nothing may have been complained of, nor asked for elsewhere."""
    with browser.new_context() as context:
        opened = context.new_page()
        complaints, addresses = [], []
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("request", lambda request: addresses.append(request.url))
        opened.complaints = complaints
        yield opened
        assert complaints == []
        assert [address for address in addresses if not address.startswith((served.url, "data:"))] == []


def _ask(page, served, name):
    page.goto(f"{served.url}/#{name}")
    given = INPUTS[name]
    for field, text in (given if isinstance(given, dict) else {"text": given}).items():
        page.fill(f"#field-{field}", text)
    page.click("#ask")
    page.wait_for_selector("#result :first-child")
    return page.inner_text("#result")


def test_a_question_is_answered_in_its_context(page, served):
    """A page that shows an answer without its place asks to be believed."""
    said = _ask(page, served, "asks")
    answer = served.models["asks"](INPUTS["asks"])
    assert said.startswith(f"{answer['answer']} ({answer['score']:.2f})")
    assert page.inner_text("#result mark") == answer["answer"]
    cost = page.inner_text("#cost")
    assert "ms of it computing" in cost
    assert "$0.0000" in cost
    assert page.title() == "asks – Limbeck"


def test_entities_are_marked_where_they_stand(page, served):
    """A character of two code units, which JavaScript counts twice, moves all marks behind it."""
    page.goto(f"{served.url}/#tags")
    page.fill("#field-text", "👩‍👩‍👧 Astrid Lindgren 🇸🇪 in Stockholm")
    page.click("#ask")
    page.wait_for_selector("#result :first-child")
    found = served.models["tags"]("👩‍👩‍👧 Astrid Lindgren 🇸🇪 in Stockholm")
    marks = page.eval_on_selector_all("#result mark", "all => all.map(each => each.childNodes[0].textContent)")
    text = "👩‍👩‍👧 Astrid Lindgren 🇸🇪 in Stockholm"
    assert marks == [text[each["start"] : each["end"]] for each in found]


@pytest.mark.parametrize(("name", "rows"), [("sorts", 3), ("fills", 5)])
def test_choices_have_bars(name, rows, page, served):
    """A number alone is read by few."""
    _ask(page, served, name)
    assert page.locator("#result meter").count() == rows
    assert page.locator("#result meter").first.get_attribute("aria-label")


def test_it_works_by_keyboard_alone(page, served):
    """Who has no mouse asks nothing."""
    page.goto(f"{served.url}/#asks")
    page.wait_for_selector("#field-question")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "field-question":
            break
    page.keyboard.press("Control+a")
    page.keyboard.type("Who was born?")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#result .answer")
    page.focus("#tab-curl")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-Python"
    assert 'question="Who was born?"' in page.inner_text("#code")


def test_mistakes_are_told_where_they_are_made(page, served):
    """A form that does nothing when it is sent is pressed again and again."""
    page.goto(f"{served.url}/#asks")
    page.fill("#field-context", "  ")
    page.click("#ask")
    assert page.inner_text("#error") == "Context is empty."
    assert page.evaluate("document.activeElement.id") == "field-context"
    page.goto(f"{served.url}/#fills")
    page.wait_for_selector("#field-text")
    page.fill("#field-text", "no mask")
    page.click("#ask")
    page.wait_for_selector("#error:not(:empty)")
    assert "should have [MASK]" in page.inner_text("#error")
    assert [text for text in page.complaints if "422" in text] == page.complaints
    page.complaints.clear()  # the browser itself tells of the status


def test_what_it_offers_to_copy_can_be_run(page, served):
    """A call that fails when it is pasted is the last one that is tried."""
    page.goto(f"{served.url}/#tags")
    page.wait_for_selector("#field-text")
    page.fill("#field-text", 'it\'s "Astrid"')
    assert f"{served.url}/models/tags" in page.inner_text("#code")
    page.click("#tab-Python")
    compile(page.inner_text("#code"), "the page", "exec")
    page.click("#tab-JavaScript")
    assert f'.endpoint("{served.url}/models/tags")' in page.inner_text("#code")
    page.click("#copy")
    page.wait_for_selector("#copied:not(:empty)")


def test_texts_are_never_taken_for_markup(page, served):
    """An answer that is a script runs in the reader's browser."""
    page.goto(f"{served.url}/#tags")
    page.fill("#field-text", "<img src=x onerror=alert(1)> Astrid")
    page.click("#ask")
    page.wait_for_selector("#result :first-child")
    assert page.locator("#result img").count() == 0


def test_the_reference_lists_every_address(page, served):
    """Documents elsewhere are of another version."""
    page.goto(f"{served.url}/docs")
    page.wait_for_selector("#routes dt")
    assert "POST /models/asks" in page.inner_text("#routes")


def test_it_fits_a_phone(browser, served):
    """Half a form beside the screen is half a form."""
    with browser.new_context(viewport={"width": 360, "height": 740}, color_scheme="dark") as context:
        page = context.new_page()
        _ask(page, served, "asks")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == "rgb(22, 24, 26)"


def test_a_model_s_card_is_shown(browser, models, tmp_path):
    """What a model is good for is asked where it is tried."""
    import shutil as files

    from limbeck.runtime import Model

    files.copytree(models["tags"].folder.path, tmp_path / "tags")
    (tmp_path / "tags" / "README.md").write_text("# Tags\n\nFor <b>names</b>.")
    with running({"tags": Model.load(tmp_path / "tags", threads=1)}) as server, browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        page.click("#card-box summary")
        page.wait_for_selector("#card:not(:empty)")
        assert "For <b>names</b>." in page.inner_text("#card")
