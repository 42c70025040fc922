"""Values that have to be unique among siblings, and how a client is told which are not (RFC 4825
§11.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote

from sipapp.xcap.errors import UniquenessFailure
from sipapp.xcap.references import UNESCAPED
from sipapp.xcap.validation import Element

__all__ = ["Duplicates", "numbered", "pointTo"]

_MOST = 10
"""How many duplicates are named. Each takes time to point to."""

_TRIED = 100


class _Duplicate(NamedTuple):
    element: Element
    attribute: str
    alternatives: tuple[str, ...]


class Duplicates:
    """Collects values that are there more than once in a document."""

    def __init__(self, namespace: str) -> None:
        """
        @param namespace: the one of element names without prefix in a selector.
        """
        self._namespace = namespace
        self._found: list[_Duplicate] = []

    def among(
        self,
        elements: Iterable[Element],
        attribute: str,
        key: Callable[[str], str] = str,
        alternatives: Callable[[str, set[str]], tuple[str, ...]] = lambda value, taken: (),
    ) -> None:
        """Look for elements that have the value of an attribute in common with one before them.

        @param key: what two values must not have in common.
        @param alternatives: is given a value and all keys that are taken, and returns what could
            be used in its place.
        """
        elements = [each for each in elements if each.get(attribute) is not None]
        seen: set[str] = set()
        repeated = []
        for element in elements:
            its = key(element.get(attribute))
            if its in seen:
                repeated.append(element)
            seen.add(its)
        for element in repeated[: _MOST - len(self._found)]:
            instead = alternatives(element.get(attribute), seen)
            seen.update(map(key, instead))
            self._found.append(_Duplicate(element, attribute, instead))

    def amongIdentifiers(self, elements: Iterable[Element]) -> None:
        """Look for attributes C{id} of type C{xs:ID} that say the same. White space around one is
        not part of it."""
        self.among(elements, "id", str.strip, lambda value, taken: numbered(value.strip(), taken))

    def refuse(self) -> None:
        """
        @raise UniquenessFailure: if there are any.
        """
        if not self._found:
            return
        fields = [
            (pointTo(each.element, each.attribute, self._namespace), each.alternatives)
            for each in self._found
        ]
        first = self._found[0]
        value = first.element.get(first.attribute)
        raise UniquenessFailure(
            fields, f"line {first.element.sourceline}: {value} is there already"
        )


def numbered(value: str, taken: set[str]) -> tuple[str, ...]:
    """
    @return: the value with the first number after it that is not taken.
    """
    tried = (f"{value}-{number}" for number in range(2, _TRIED))
    return tuple(next(([each] for each in tried if each not in taken), ()))


def pointTo(element: Element, attribute: str, namespace: str) -> str:
    """
    @param attribute: its name, in no namespace.
    @param namespace: the one of element names without prefix.
    @return: the node selector of an attribute relative to its document, as it stands in a URI
        (RFC 4825 §6.3): by position, since its value does not tell it from others.
    """
    prefixes: dict[str, str] = {}
    steps = [f"@{attribute}"]
    each: Element | None = element
    while each is not None:
        tag = each.tag
        its, _, name = tag.rpartition("}")
        its = its.removeprefix("{")
        if its != namespace:
            name = f"{prefixes.setdefault(its, f'n{len(prefixes)}')}:{name}"
        before = sum(1 for _ in each.itersiblings(tag, preceding=True))
        if before or next(each.itersiblings(tag), None) is not None:
            name += f"[{before + 1}]"
        steps.append(name)
        each = each.getparent()
    path = "/".join(quote(step, safe=UNESCAPED) for step in reversed(steps))
    bindings = "".join(f"xmlns({prefix}={its})" for its, prefix in prefixes.items())
    return f"{path}?{quote(bindings, safe=UNESCAPED + '/?')}" if bindings else path
