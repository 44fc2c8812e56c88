"""The demo brand's definitions."""

import pytest

from demo.documents import SITE, load_definitions
from postroad.book import Manifest, compile_book
from postroad.definitions import plan_publication


@pytest.mark.parametrize("site", [SITE, "http://localhost:8080/_local/site"])
def test_the_brand_can_be_published_wherever_its_links_lead(site):
    documents = load_definitions(site)
    assert site in documents["template/welcome"]["html"]
    assert plan_publication(documents, compile_book(Manifest(), {}), {}).manifest.revision == 1
