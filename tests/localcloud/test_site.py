"""A site in a folder, served beside the product."""

from types import SimpleNamespace

import pytest

from localcloud.gateway import Request
from localcloud.server import Local


@pytest.fixture
def get(tmp_path):
    folder = tmp_path / "site"
    (folder / "plans").mkdir(parents=True)
    (folder / "index.html").write_text("home")
    (folder / "plans" / "enterprise.html").write_text("offices")
    (folder / "shop.css").write_text("body {}")
    (folder / "notes.txt").write_text("not for the public")
    (tmp_path / "secret.html").write_text("outside")

    def get(path, site=folder):
        parts = SimpleNamespace(site=site, sign_in=SimpleNamespace(authorize=None, token=None, logout=None))
        return Local(parts).handle(Request("GET", f"/_local{path}", [], b"", "127.0.0.1"))

    return get


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/site/", b"home", "text/html"),
        ("/site/index.html", b"home", "text/html"),
        ("/site/plans/enterprise", b"offices", "text/html"),
        ("/site/plans/enterprise?utm_source=mail", b"offices", "text/html"),
        ("/site/shop.css", b"body {}", "text/css"),
    ],
)
def test_a_page_is_found_without_its_ending(get, path, body, kind):
    answer = get(path)
    assert (answer.status, answer.body) == (200, body)
    assert dict(answer.headers)["content-type"].startswith(kind)
    assert "script-src 'self'" in dict(answer.headers)["content-security-policy"]


def test_the_bare_address_leads_to_the_folder(get):
    answer = get("/site")
    assert (answer.status, dict(answer.headers)["location"]) == (302, "/_local/site/")


@pytest.mark.parametrize(
    "path", ["/site/../secret", "/site/%2e%2e/secret", "/site/nowhere", "/site/notes.txt", "/site//"]
)
def test_nothing_else_is_served(get, path):
    assert get(path).status in (200, 404)
    assert get(path).body not in (b"outside", b"not for the public")


def test_without_a_site_it_says_how_to_get_one(get):
    answer = get("/site/", site=None)
    assert answer.status == 404
    assert b"--site" in answer.body
