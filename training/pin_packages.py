"""Step 0 (maintainers): turn the wanted names of sources.json into packages.json, pinned versions with their licences.

    python3 training/pin_packages.py

Packages whose declared licence is not permissive, or cannot be read, are left out and reported.
"""

from __future__ import annotations

import json
import subprocess

import archives
from common import PACKAGES, SOURCES, is_permissive


def pin(registry: str, wanted: str, overrides: dict[str, str]) -> dict:
    """Resolve one wanted name (npm: optionally name@range) to {registry, name, version, licence}."""
    if registry == "npm":
        listing = subprocess.run(
            ["npm", "pack", "--dry-run", "--json", "--silent", wanted], check=True, capture_output=True, text=True
        )
        resolved = json.loads(listing.stdout)[0]
        archive = archives.npm_file(resolved["name"], resolved["version"])
        if not archive.exists():
            archives.download("npm", resolved["name"], resolved["version"])
        name, version, licence = archives.npm_identity(archive)
    else:
        shown = subprocess.run(["apt-cache", "show", "--no-all-versions", wanted], check=True, capture_output=True, text=True)
        name = wanted
        version = next(line.split(": ", 1)[1] for line in shown.stdout.splitlines() if line.startswith("Version: "))
        if archives.debian_file(name, version) is None:
            archives.download("debian", name, version)
        licence = archives.debian_licence(archives.debian_file(name, version))
    return {"registry": registry, "name": name, "version": version, "licence": overrides.get(name, licence)}


def main() -> None:
    sources = json.loads(SOURCES.read_text())
    split = {name: part for part in ("validation", "test") for name in sources[part]}
    packages = []
    for registry in ("npm", "debian"):
        for wanted in sources[registry]:
            try:
                entry = pin(registry, wanted, sources["licences"])
            except (subprocess.CalledProcessError, StopIteration) as error:
                print(f"left out {wanted}: not in the registry ({type(error).__name__})")
                continue
            if not is_permissive(entry["licence"]):
                print(f"left out {wanted}: licence '{entry['licence']}'")
                continue
            packages.append(entry | {"split": split.get(entry["name"], "train")})
    rows = ",\n    ".join(json.dumps(package) for package in packages)
    PACKAGES.write_text('{\n  "packages": [\n    ' + rows + "\n  ]\n}\n")
    print(f"{len(packages)} packages pinned in {PACKAGES.name}")


if __name__ == "__main__":
    main()
