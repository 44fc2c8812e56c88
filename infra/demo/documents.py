"""The demo brand's definitions, read from the YAML beside this file."""

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
# Where the shop would be, if it existed.
SITE = "https://tidewater.example"


def load_definitions(site: str = SITE) -> dict[str, dict[str, Any]]:
    """All documents by key ("journey/welcome"). A mail's `body` is put into the brand's layout and links to `site`."""
    layout = (HERE / "layout.html").read_text()
    found = {}
    for path in sorted((HERE / "definitions").glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            if "body" in document:
                document["html"] = layout.replace("BODY", document.pop("body").replace(f"{SITE}/", f"{site}/"))
            found[f"{document['kind']}/{document['id']}"] = document
    return found
