"""XML Schemas: those of the package, and those of others."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from lxml import etree

import sipapp.xcap
from sipapp.xcap.errors import NotWellFormed, SchemaValidationError
from sipapp.xcap.validation import Schema, parse

SCHEMAS = Path(sipapp.xcap.__file__).parent / "schemas"
PUBLISHED = sorted(path.name for path in SCHEMAS.glob("*.xsd"))
ROOT = SCHEMAS.parents[2]

LISTS = "urn:ietf:params:xml:ns:resource-lists"
RESOURCE_LISTS = Schema(f"{{{LISTS}}}resource-lists", "resource-lists.xsd")


def lists(content: str) -> bytes:
    return f'<resource-lists xmlns="{LISTS}">{content}</resource-lists>'.encode()


class TestPublished:
    def test_allAreNamedWithTheirSource(self) -> None:
        readme = (SCHEMAS / "README.md").read_text()
        assert [name for name in PUBLISHED if f"| `{name}` |" not in readme] == []
        assert len(PUBLISHED) == 13

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_refersToNothingElsewhere(self, name: str) -> None:
        tree = etree.parse(str(SCHEMAS / name))
        locations = [each.get("schemaLocation") for each in tree.iter("{*}import", "{*}include")]
        assert [each for each in locations if each not in PUBLISHED] == []

    @pytest.mark.parametrize("name", PUBLISHED)
    def test_isASchema(self, name: str) -> None:
        # One that is valid cannot be known without a root: but what is not is found out.
        with pytest.raises(SchemaValidationError):
            Schema("{urn:x}a", name).validate(b'<a xmlns="urn:x"/>')

    def test_isInTheWheel(self, tmp_path: Path) -> None:
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        command = [
            *pip,
            "--no-index",
            "--wheel-dir",
            str(tmp_path / "wheel"),
            str(copied(tmp_path)),
        ]
        subprocess.run(command, check=True)
        (wheel,) = (tmp_path / "wheel").iterdir()
        with zipfile.ZipFile(wheel) as file:
            names = set(file.namelist())
        assert {f"sipapp/xcap/schemas/{name}" for name in [*PUBLISHED, "README.md"]} <= names
        assert "sipapp/py.typed" in names


def copied(directory: Path) -> Path:
    """
    @return: a copy of what a wheel is made of: building one leaves files behind.
    """
    source = directory / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    for top in ("sipapp", "twisted"):
        for path in (ROOT / top).rglob("*"):
            if path.is_file() and path.suffix in {".py", ".typed", ".xsd", ".md"}:
                target = source / path.relative_to(ROOT)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    return source


class TestSchema:
    def test_valid(self) -> None:
        body = lists("<!-- a --><list><?b c?><entry uri='a:b'/></list>")
        assert [each.tag for each in RESOURCE_LISTS.validate(body).iter()] == [
            f"{{{LISTS}}}{name}" for name in ("resource-lists", "list", "entry")
        ]

    def test_whereItIsNotValid(self) -> None:
        with pytest.raises(SchemaValidationError) as caught:
            RESOURCE_LISTS.validate(lists("<list/>\n<list/>\n<lost/>"))
        assert caught.value.detail == (
            f"line 3: Element '{{{LISTS}}}lost': This element is not expected."
            f" Expected is ( {{{LISTS}}}list )."
        )

    def test_theFirstFaultOfEach(self) -> None:
        """What is found in one document says nothing of the next."""
        for count in (3, 1):
            with pytest.raises(SchemaValidationError) as caught:
                RESOURCE_LISTS.validate(lists("\n" * count + "<lost/>"))
            assert caught.value.detail.startswith(f"line {count + 1}: ")
        RESOURCE_LISTS.validate(lists(""))

    def test_anotherRoot(self) -> None:
        with pytest.raises(SchemaValidationError) as caught:
            Schema(f"{{{LISTS}}}list", "resource-lists.xsd").validate(lists(""))
        assert caught.value.detail == (
            f"the root is {{{LISTS}}}resource-lists, not {{{LISTS}}}list"
        )
        with pytest.raises(SchemaValidationError) as caught:
            RESOURCE_LISTS.validate(b"<a/>")
        assert caught.value.detail.startswith("line 1: Element 'a': No matching global")

    def test_whatOnlyLibxml2RefusesIsNotWellFormed(self) -> None:
        deep = "<a xmlns='urn:a'>" * 300 + "</a>" * 300
        with pytest.raises(NotWellFormed):
            RESOURCE_LISTS.validate(lists(f"<list>{deep}</list>"))

    def test_whatIsRefusedIsForgotten(self) -> None:
        """A parser that is fed keeps what it has until it is closed, in memory of libxml2's own."""
        body = lists("<list>" + "<entry uri='sip:a@b'/>" * 2000 + "</list><lost/>")

        def refuse(times: int) -> int:
            for _ in range(times):
                with pytest.raises(SchemaValidationError):
                    RESOURCE_LISTS.validate(body)
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            return pages * os.sysconf("SC_PAGE_SIZE")

        before = refuse(10)
        assert refuse(100) - before < 50 * len(body)

    def test_manyFaultsTakeNoLonger(self) -> None:
        """All of it is done by C, so there is nothing to count but time: eight times as many faults
        take some eight times as long, and not 64 times."""

        def seconds(count: int) -> float:
            body = lists(f"<list>{'<entry/>' * count}</list>")
            started = time.process_time()
            with pytest.raises(SchemaValidationError):
                RESOURCE_LISTS.validate(body)
            return time.process_time() - started

        few, many = (min(seconds(count) for _ in range(3)) for count in (4_000, 32_000))
        assert many < 24 * few

    def test_phrasesAreShort(self) -> None:
        with pytest.raises(SchemaValidationError) as caught:
            RESOURCE_LISTS.validate(lists(f"<{'a' * 1000}/>"))
        assert len(caught.value.detail) == 400
        assert caught.value.detail.endswith("…")

    def test_schemasOfOthersUseThese(self, tmp_path: Path) -> None:
        """By the names of their files, from wherever they are said to be."""
        (tmp_path / "main.xsd").write_text(
            f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:m"
              xmlns:n="urn:n" xmlns:rl="{LISTS}" elementFormDefault="qualified">
              <xs:import namespace="urn:n" schemaLocation="near.xsd"/>
              <xs:import namespace="{LISTS}"
                schemaLocation="http://nowhere.example/resource-lists.xsd"/>
              <xs:element name="main"><xs:complexType><xs:sequence>
                <xs:element ref="n:near"/><xs:element name="list" type="rl:listType"/>
              </xs:sequence></xs:complexType></xs:element>
            </xs:schema>"""
        )
        (tmp_path / "near.xsd").write_text(
            """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:n">
              <xs:element name="near" type="xs:int"/>
            </xs:schema>"""
        )
        schema = Schema("{urn:m}main", str(tmp_path / "main.xsd"))
        body = '<main xmlns="urn:m"><near xmlns="urn:n">{}</near><list name="a"/></main>'
        schema.validate(body.format("1").encode())
        with pytest.raises(SchemaValidationError):
            schema.validate(body.format("one").encode())

    def test_nothingIsLookedForElsewhere(self, tmp_path: Path) -> None:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "far.xsd").write_text(
            '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:f"/>'
        )
        (tmp_path / "main.xsd").write_text(
            """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
              <xs:import namespace="urn:f" schemaLocation="other/far.xsd"/>
              <xs:element name="a"/>
            </xs:schema>"""
        )
        with pytest.raises(etree.XMLSchemaParseError, match="far"):
            Schema("a", str(tmp_path / "main.xsd")).validate(b"<a/>")


class TestParse:
    def test_externalEntitiesAreNotRead(self, tmp_path: Path) -> None:
        """No DOCTYPE gets here, but if one did it would come to nothing."""
        (tmp_path / "secret").write_text("secret")
        body = f'<!DOCTYPE a [<!ENTITY b SYSTEM "file://{tmp_path}/secret">]><a>&b;</a>'
        assert "secret" not in (parse(body.encode()).text or "")

    def test_entitiesDoNotGrow(self) -> None:
        entities = "".join(f"<!ENTITY e{n + 1} '{f'&e{n};' * 10}'>" for n in range(9))
        body = f"<!DOCTYPE a [<!ENTITY e0 'lol'>{entities}]><a>&e9;</a>"
        with pytest.raises(NotWellFormed, match="amplification"):
            parse(body.encode())

    def test_whatOnlyLibxml2RefusesIsNotWellFormed(self) -> None:
        with pytest.raises(NotWellFormed):
            parse(b"<a>" * 300 + b"</a>" * 300)
