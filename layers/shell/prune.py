"""Leaves of botocore's data only what the named services need: `prune.py FOLDER SERVICE…`.

It carries the models of some 400 services (25 MB), and reads the endpoints of all of them at each cold start.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path

folder, services = Path(sys.argv[1]), set(sys.argv[2:])
if missing := [name for name in sorted(services) if not (folder / "botocore/data" / name).is_dir()]:
    sys.exit(f"botocore has no service {', '.join(missing)}")

prefixes = set()
for service in services:
    latest = max((folder / "botocore/data" / service).iterdir())
    for model in latest.glob("service-2.json*"):
        content = model.read_bytes()
        content = gzip.decompress(content) if model.suffix == ".gz" else content
        prefixes.add(json.loads(content)["metadata"]["endpointPrefix"])

for data in (folder / "botocore/data", folder / "boto3/data"):
    for path in data.iterdir() if data.exists() else ():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)

endpoints = folder / "botocore/data/endpoints.json"
document = json.loads(endpoints.read_text())
for partition in document["partitions"]:
    partition["services"] = {name: each for name, each in partition["services"].items() if name in prefixes}
endpoints.write_text(json.dumps(document, separators=(",", ":")))
