"""The page's files keep the promises that its content security policy relies on."""

import re
from importlib.resources import files

import pytest

from node.web.assets import versioned

FILES = {file.name: file.read_text() for file in (files("node.web") / "static").iterdir()}
SCRIPTS = sorted(name for name in FILES if name.endswith(".js"))
PAGES = sorted(name for name in FILES if name.endswith(".html"))
STYLES = sorted(name for name in FILES if name.endswith(".css"))


def test_static__files__a_page_its_modules_and_its_styles():
    assert "index.html" in FILES
    assert len(SCRIPTS) >= 5
    assert len(STYLES) >= 2


@pytest.mark.parametrize("name", sorted(FILES))
def test_static__any_file__names_no_outside_host(name):
    hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.[\w]+", FILES[name]))
    assert hosts <= {"http://www.w3.org"}, "only the SVG name space may look like an address"


@pytest.mark.parametrize("name", PAGES)
def test_page__markup__has_no_inline_script_style_or_handler(name):
    page = FILES[name]
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", page) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_script__source__never_makes_markup_or_code_from_strings(name):
    banned = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser"
    assert re.findall(banned, FILES[name]) == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_script__imports__stand_among_the_files(name):
    imported = re.findall(r"from \"\./([\w.]+)\"", FILES[name])
    assert set(imported) <= set(FILES)


@pytest.mark.parametrize("name", [name for name in PAGES if "<script" in FILES[name]])
def test_page__modules__all_asked_for_at_once_and_each_once(name):
    page = versioned(FILES[name].replace("<!--head-->", "<!--modules-->"))
    [entry] = re.findall(r'<script type="module" src="([^"]+)"', page)
    ahead = re.findall(r'<link rel="modulepreload" href="([^"]+)"', page)
    assert re.fullmatch(r"/static/[0-9a-f]{12}/[\w-]+\.js", entry)
    found = {entry.rpartition("/")[2]}
    while more := {one for each in found for one in re.findall(r'from "\./([\w.-]+)"', FILES[each])} - found:
        found |= more
    assert sorted(one.rpartition("/")[2] for one in [entry, *ahead]) == sorted(found)


@pytest.mark.parametrize("name", PAGES)
def test_page__links__stand_among_the_files(name):
    linked = re.findall(r"/static/([\w.]+)", FILES[name])
    assert linked
    assert set(linked) <= set(FILES)
