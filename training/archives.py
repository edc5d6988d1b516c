"""Download package archives with the registries' own clients (`npm pack`, `apt-get download`) and read them in place.

Nothing is installed and no package script runs: an archive is only opened as a tar stream.
"""

from __future__ import annotations

import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Iterator

from common import WORK

NPM_DIR = WORK / "archives" / "npm"
DEBIAN_DIR = WORK / "archives" / "debian"


def npm_file(name: str, version: str) -> Path:
    """Where `npm pack` leaves name@version."""
    return NPM_DIR / f"{name.lstrip('@').replace('/', '-')}-{version}.tgz"


def debian_file(name: str, version: str) -> Path | None:
    """Where `apt-get download` left name=version, whatever its architecture."""
    return next(iter(DEBIAN_DIR.glob(f"{name}_{version.replace(':', '%3a')}_*.deb")), None)


def download(registry: str, name: str, version: str | None = None) -> None:
    """Fetch one archive into its folder; raises CalledProcessError when the registry does not have it."""
    if registry == "npm":
        NPM_DIR.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", f"{name}@{version}" if version else name]
        subprocess.run(command, cwd=NPM_DIR, check=True, stdout=subprocess.DEVNULL)
    else:
        DEBIAN_DIR.mkdir(parents=True, exist_ok=True)
        command = ["apt-get", "download", "-q", f"{name}={version}" if version else name]
        subprocess.run(command, cwd=DEBIAN_DIR, check=True, stdout=subprocess.DEVNULL)


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """(path inside the package, content) of every regular file under 1 MiB."""
    if archive.suffix == ".deb":
        process = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE)
        stream = tarfile.open(fileobj=process.stdout, mode="r|")
    else:
        stream = tarfile.open(archive, mode="r:gz")
    with stream:
        for member in stream:
            if member.isfile() and member.size < 1 << 20:
                path = member.name.removeprefix("./")
                if archive.suffix == ".tgz":
                    path = path.split("/", 1)[-1]  # drop npm's leading package/
                yield path, stream.extractfile(member).read()


def npm_identity(archive: Path) -> tuple[str, str, str]:
    """(name, version, licence) from the package.json inside an npm archive."""
    for path, content in members(archive):
        if path == "package.json":
            manifest = json.loads(content)
            licence = manifest.get("license", "")
            if isinstance(licence, dict):
                licence = licence.get("type", "")
            return manifest["name"], manifest["version"].removeprefix("v"), str(licence)
    raise ValueError(f"{archive.name}: no package.json")


def debian_licence(archive: Path) -> str:
    """The short name in the `Files: *` paragraph of debian/copyright (DEP-5), or '' when there is none."""
    for path, content in members(archive):
        if path.startswith("usr/share/doc/") and path.endswith("/copyright"):
            text = content.decode("utf-8", "replace")
            for paragraph in re.split(r"\n\s*\n", text):
                files = re.search(r"^Files:\s*(.*)$", paragraph, re.M)
                licence = re.search(r"^Licen[sc]e:\s*(.*)$", paragraph, re.M)
                if files and licence and files.group(1).split()[:1] == ["*"]:
                    return licence.group(1).strip()
    return ""
