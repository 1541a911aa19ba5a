"""Compares the functions that the library exports with those that its header declares.

Usage: check_api.py HEADER LIBRARY
"""

import re
import subprocess
import sys


def declared(header):
    with open(header, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/|^#.*?$", "", file.read(), flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"(\w+)\s*\([^;]*\)\s*;", text))


def exported(library):
    nm = subprocess.run(
        ["nm", "--extern-only", "--defined-only", library], check=True, stdout=subprocess.PIPE, text=True
    )
    return set(re.findall(r"^[0-9a-f]+ \w (\w+)$", nm.stdout, flags=re.MULTILINE))


def main(header, library):
    promised, found = declared(header), exported(library)
    for name in sorted(promised - found):
        print(f"{header}: {name} is declared, {library} doesn't export it")
    for name in sorted(found - promised):
        print(f"{library}: {name} is exported, {header} doesn't declare it")
    print(f"{len(promised)} functions declared, {len(found)} exported")
    return 0 if promised and promised == found else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
